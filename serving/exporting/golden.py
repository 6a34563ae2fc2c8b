"""Golden rows: drawn examples as requests, with the trained model's answers."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from serving.exporting.ranker import Ranker
from serving.exporting.scorer import Scorer, pair_names, top_count
from serving.exporting.serving_module import NO_ID, RawInputs
from serving.signatures import DEFAULT_SIGNATURE, signature_key
from tfrs_afm.types import Tensor

_CANDIDATES = 4

_APART = 1e-4
"""How far apart two pairs' shares must be, relative to the larger, for their order to be told."""


def golden_requests(
    scorers: Mapping[str, Scorer],
    rankers: Mapping[str, Ranker],
    raw: RawInputs,
    examples: Sequence[Any],
    apart: float = _APART,
) -> dict[str, dict[str, Any]]:
    """Asks the trained model, eagerly and as a whole, what every signature must answer.

    Args:
        scorers: The model, by task.
        rankers: How it ranks, by task.
        raw: The inputs of `tensors`.
        examples: The golden rows, `tf.train.Example`s.
        apart: How far apart two pairs' shares must be, relative to the larger; see `_APART`.

    Returns:
        Per signature `inputs` and `outputs`, arrays by name with one row per golden row.

    Raises:
        ValueError: If the model's answer is not a finite number.
    """
    rows = np.array([one.SerializeToString() for one in examples], object)
    scorer = next(iter(scorers.values()))
    by_task = {task: _answers(one, rows) for task, one in scorers.items()}
    answers = by_task.get("") or {task: one["predictions"] for task, one in by_task.items()}
    requests = {
        DEFAULT_SIGNATURE: {"inputs": {"examples": rows}, "outputs": answers},
        "tensors": {"inputs": raw.arrays(scorer.parse(tf.constant(rows))), "outputs": answers},
    }
    for task, one in scorers.items():
        found = _of_task(one, rankers[task], rows, examples, by_task[task], apart)
        requests |= {signature_key(task, kind): request for kind, request in found.items()}
    return requests


def _of_task(
    scorer: Scorer,
    ranker: Ranker,
    rows: Any,
    examples: Sequence[Any],
    answers: Mapping[str, Any],
    apart: float,
) -> dict[str, dict[str, Any]]:
    """The requests of one task, by the kind of their signatures."""
    requests = {
        "regression": {"inputs": {"inputs": rows}, "outputs": {"outputs": answers["predictions"]}},
        "rank": _rank(scorer, ranker, examples),
    }
    if top_count(scorer):
        requests["explain"] = _explain(scorer, rows, answers["logits"], apart)
    if scorer.binary:
        positive = answers["predictions"]
        requests["classification"] = {
            "inputs": {"inputs": rows},
            "outputs": {
                "classes": np.array([[b"0", b"1"]] * len(rows), object),
                "scores": np.stack([1 - positive, positive], axis=1),
            },
        }
    return requests


def _answers(scorer: Scorer, rows: Any) -> dict[str, Any]:
    features = scorer.parse(tf.constant(rows))
    own = scorer.answer(features).numpy()
    for row, answer in enumerate(own):
        if not np.isfinite(answer):
            raise ValueError(
                "`model` must answer with finite numbers. Received: model="
                f"{type(scorer.model).__name__}, which answers golden row {row} with {answer}: "
                f"{tf.train.Example.FromString(rows[row])}. Look at the training loss, and at "
                "normalizers of numeric columns."
            )
    if scorer.task is None:
        return {"predictions": own}
    # The model's own answer is one of the two; the other is its task's view of the same fields.
    logits = scorer.task.logits(*scorer.embedding(features), training=False)
    views = {"predictions": scorer.task.predictions(logits), "logits": logits}
    return {name: view.numpy().astype(np.float32)[:, 0] for name, view in views.items()}


def _rank(scorer: Scorer, ranker: Ranker, examples: Sequence[Any]) -> dict[str, Any]:
    items = set(scorer.spec if ranker.candidate_features is None else ranker.candidate_features)
    contexts, candidates = list(examples), [_only(one, items) for one in examples]
    if ranker.candidate_features is not None:
        contexts = [_only(one, set(scorer.spec) - items) for one in examples]
    if ranker.ids:
        key = next(iter(items))
        candidates = [one for one in candidates if _ids(one, key)]
    count = len(candidates)
    picks = [[(row + step) % count for step in range(_CANDIDATES)] for row in range(len(contexts))]
    joined = [
        contexts[row].SerializeToString() + candidates[pick].SerializeToString()
        for row, row_picks in enumerate(picks)
        for pick in row_picks
    ]
    scores = _answers(scorer, np.array(joined, object))["predictions"]
    if ranker.ids:
        sent = [_ids(one, next(iter(items)))[0] for one in candidates]
    else:
        sent = [one.SerializeToString() for one in candidates]
    return {
        "inputs": {
            "context": np.array([one.SerializeToString() for one in contexts], object),
            "candidates": np.array([[sent[pick] for pick in row] for row in picks], object),
        },
        "outputs": {"scores": scores.reshape(len(contexts), _CANDIDATES)},
    }


def _explain(scorer: Scorer, rows: Any, logits: Tensor, apart: float) -> dict[str, Any]:
    features = scorer.parse(tf.constant(rows))
    parts = scorer.task.interaction.contributions(*scorer.embedding(features))
    shares = np.asarray(parts.pairs, np.float32)
    count, picked = top_count(scorer), np.arange(len(rows))[:, np.newaxis]
    order = np.argsort(-np.abs(shares), axis=1, kind="stable")
    names = np.array(pair_names(scorer), object)
    names = np.array([[one.encode() for one in pair] for pair in names], object)
    top = order[:, :count]
    outputs = {
        "first_field": names[top, 0],
        "second_field": names[top, 1],
        "contribution": shares[picked, top],
        "attention": np.asarray(parts.attention, np.float32)[picked, top],
        "logits": logits,
    }
    kept = _told_apart(np.abs(shares[picked, order[:, : count + 1]]), apart)
    return {
        "inputs": {"examples": rows[kept]},
        "outputs": {name: one[kept] for name, one in outputs.items()},
    }


def _told_apart(sorted_shares: Any, apart: float) -> Any:
    """Rows whose order of pairs does not hang on rounding; all rows if there are none.

    A film that is also the only one in the history gives two pairs the same share.
    """
    larger, smaller = sorted_shares[:, :-1], sorted_shares[:, 1:]
    told = (larger - smaller > apart * larger) | (larger == 0.0)
    rows = np.flatnonzero(told.all(axis=1))
    return rows if len(rows) else np.arange(len(sorted_shares))


def _only(example: Any, keys: set[str]) -> Any:
    part = tf.train.Example()
    for key in sorted(keys & set(example.features.feature)):
        part.features.feature[key].CopyFrom(example.features.feature[key])
    return part


def _ids(example: Any, key: str) -> list[Any]:
    if key not in example.features.feature:
        return []
    feature = example.features.feature[key]
    return [*feature.int64_list.value, *feature.bytes_list.value]


_DEFAULTS: dict[Any, list[Any]] = {tf.string: ["a", "b"], tf.int64: [0, 1]}

_SPREAD = 8
"""How many known values of a large vocabulary are enough."""

_DRAWN = 24
"""How many ids are drawn besides."""


@dataclasses.dataclass(frozen=True)
class FeatureValues:
    """Values of one raw feature.

    Attributes:
        known: Values that its columns know.
        unknown: Values of its type that they do not, and take all the same; may be empty.
        long: Whether it comes as a list whose length matters.
        size: Numbers in an example; None for a list of any length.
        required: Whether an example without it is refused.
        number: Whether a NaN among its values stands for none.
    """

    known: Sequence[Any]
    unknown: Sequence[Any]
    long: bool
    size: int | None
    required: bool
    number: bool = False


def feature_values(columns: Sequence[Any], spec: Mapping[str, Any]) -> dict[str, FeatureValues]:
    """Reads which values the features of some columns may have.

    Args:
        columns: Feature columns.
        spec: Their parse spec.

    Returns:
        Values by feature.
    """
    leaves: dict[str, list[tuple[Any, bool]]] = {key: [] for key in spec}
    for column in columns:
        _walk(column, leaves, long=False)
    return {key: _values(spec[key], leaves[key]) for key in sorted(spec)}


def _walk(column: Any, leaves: dict[str, list[tuple[Any, bool]]], *, long: bool) -> None:
    long = long or type(column).__name__.startswith(("Sequence", "Weighted"))
    for parent in column.parents:
        if isinstance(parent, str):
            leaves.setdefault(parent, []).append((column, long))
        else:
            _walk(parent, leaves, long=long)
            if hasattr(column, "boundaries") and hasattr(parent, "key"):
                leaves.setdefault(parent.key, []).append((column, long))


def _values(feature: Any, columns: list[tuple[Any, bool]]) -> FeatureValues:
    known: list[Any] = []
    unknown: list[Any] = []
    limit = min((column.number_buckets for column, _ in columns if _strict(column)), default=None)
    for column, _ in columns:
        some, others = _of_column(column)
        known += some
        unknown += others
    defaults = _DEFAULTS.get(feature.dtype, [0.5, 2.0])
    text = feature.dtype == tf.string
    # Of another type than its column is what a preprocessing layer in front of it reads.
    known = [value for value in known if isinstance(value, str | bytes) == text]
    unknown = [value for value in unknown if isinstance(value, str | bytes) == text]
    if not text:  # bounds are floats, also those of a feature of integers
        kind = int if feature.dtype == tf.int64 else float
        known = [kind(value) for value in known]
    if limit is not None and not text:
        known = [value for value in known if value < limit]
        unknown = []
    size = None
    if isinstance(feature, tf.io.FixedLenFeature):
        size = tf.TensorShape(feature.shape).num_elements()
    return FeatureValues(
        known or defaults,
        unknown,
        any(long for _, long in columns) or (size is None and not columns),
        size,
        size is not None and feature.default_value is None,
        feature.dtype.is_floating,
    )


def _strict(column: Any) -> bool:
    """Whether an id past the last bucket is an error."""
    return hasattr(column, "number_buckets") and column.default_value is None


def _of_column(column: Any) -> tuple[list[Any], list[Any]]:
    if hasattr(column, "number_buckets"):
        step = max(column.number_buckets // _SPREAD, 1)
        drawn = np.random.default_rng(7).integers(column.number_buckets, size=_DRAWN).tolist()
        return [*range(0, column.number_buckets, step), *drawn], [column.number_buckets + 7]
    if hasattr(column, "vocabulary_list"):
        return _words(list(column.vocabulary_list[:_SPREAD]))
    if hasattr(column, "vocabulary_file"):
        with tf.io.gfile.GFile(column.vocabulary_file) as file:
            lines = [file.readline().rstrip("\n") for _ in range(_SPREAD)]
        lines = [line for line in lines if line]
        return _words(lines if column.dtype == tf.string else [int(line) for line in lines])
    if hasattr(column, "boundaries"):
        bounds = [float(bound) for bound in column.boundaries[:_SPREAD]]
        return [*bounds, bounds[-1] + 1.0], []
    return [], []


def _words(known: list[Any]) -> tuple[list[Any], list[Any]]:
    if known and isinstance(known[0], str | bytes):
        return known, ["not in the vocabulary"]
    return known, [int(max(known, default=0)) + 1_000_003]


def lists_among(values: Mapping[str, FeatureValues], examples: Sequence[Any]) -> set[str]:
    """The features that are lists: of sequence or weighted columns, or in one of some examples.

    So is one with a value that stands for no value where there are no lengths, -1 or "".

    Args:
        values: Values of each feature.
        examples: `tf.train.Example`s or their bytes.
    """
    found = {key for key, one in values.items() if one.long}
    for example in map(example_of, examples):
        for key in set(values) - found:
            ids = _ids(example, key)
            if len(ids) > 1 or any(one in NO_ID.values() for one in ids):
                found.add(key)
    return found


_MAX_GIVEN = 16
_LENGTHS = (1, 3, 50, 0, 2, 7, 1, 5, 1, 4, 2, 0, 12, 1, 6, 3)
"""Lengths of lists, one row each: one, some, long, empty."""

_MISSING, _UNKNOWN = 3, 4
"""The row that lacks every optional feature, and the one with unknown values only."""


def golden_examples(
    values: Mapping[str, FeatureValues], given: Sequence[Any] | None = None
) -> list[Any]:
    """Makes the golden rows: some of the user's own, and what goes wrong elsewhere.

    Args:
        values: Values of each feature.
        given: `tf.train.Example`s or their bytes; the first 16 are taken.

    Returns:
        `tf.train.Example`s: with one, several, 50 and no members in a list, with missing optional
        features, and with values outside the vocabularies.

    Raises:
        TypeError: If `given` holds something else.
    """
    rows = [example_of(one) for one in (given or ())[:_MAX_GIVEN]]
    generator = np.random.default_rng(7)  # any seed: the same export twice has the same rows
    for row, length in enumerate(_LENGTHS):
        example = tf.train.Example()
        for key, one in values.items():
            drawn = _draw(one, row, length, generator)
            if drawn:
                _fill(example.features.feature[key], drawn)
        rows.append(example)
    return rows


def missing_numbers(values: Mapping[str, FeatureValues]) -> Any:
    """Makes a golden row, a `tf.train.Example`, whose numbers are NaN, in lists the first one."""
    example = tf.train.Example()
    for key, one in values.items():
        count = one.size or (2 if one.long else 1)
        drawn = (list(one.known) * count)[:count]
        if one.number:
            missing = count if one.size is not None else 1
            drawn = [math.nan] * missing + [float(value) for value in drawn[missing:]]
        _fill(example.features.feature[key], drawn)
    return example


def example_of(one: Any) -> Any:
    """Returns a `tf.train.Example` for one, or for the bytes of one."""
    if isinstance(one, tf.train.Example):
        return one
    if not isinstance(one, bytes):
        raise TypeError(
            "`examples` must hold tf.train.Example or their bytes. Received: examples of "
            f"{type(one).__name__}. Read them with `tf.data.TFRecordDataset(...)` and `.numpy()`."
        )
    return tf.train.Example.FromString(one)


def _draw(one: FeatureValues, row: int, length: int, generator: Any) -> list[Any]:
    if row == _MISSING and not one.required:
        return []
    pool = list(one.unknown) if row == _UNKNOWN and one.unknown else list(one.known)
    if one.size is not None:
        count = one.size
    elif one.long:
        count = length
    else:
        count = 1
    return [pool[index] for index in generator.integers(len(pool), size=count)]


def _fill(feature: Any, values: list[Any]) -> None:
    if isinstance(values[0], str | bytes):
        texts = [value.encode() if isinstance(value, str) else value for value in values]
        feature.bytes_list.value.extend(texts)
    elif isinstance(values[0], float):
        feature.float_list.value.extend(values)
    else:
        feature.int64_list.value.extend(int(value) for value in values)
