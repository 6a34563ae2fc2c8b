"""Golden rows as requests, with the trained model's answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from serving.exporting.explained import pair_names, top_count
from serving.exporting.ranker import Ranker
from serving.exporting.raw_inputs import RawInputs
from serving.exporting.scorer import Scorer
from serving.server.methods import DEFAULT_SIGNATURE

_CANDIDATES = 4

_APART = 1e-4
"""How far apart two pairs' shares must be, relative to the larger, for their order to be told."""


def golden_requests(
    scorer: Scorer, ranker: Ranker, raw: RawInputs, examples: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    """Asks the trained model, eagerly and as a whole, what every signature must answer.

    Args:
        scorer: The model.
        ranker: How it ranks.
        raw: The inputs of `tensors`.
        examples: The golden rows, `tf.train.Example`s.

    Returns:
        Per signature `inputs` and `outputs`, arrays by name with one row per golden row.

    Raises:
        ValueError: If the model's answer is not a finite number.
    """
    rows = np.array([one.SerializeToString() for one in examples], object)
    answers = _answers(scorer, rows)
    requests = {
        DEFAULT_SIGNATURE: {"inputs": {"examples": rows}, "outputs": answers},
        "regression": {"inputs": {"inputs": rows}, "outputs": {"outputs": answers["predictions"]}},
        "rank": _rank(scorer, ranker, examples),
        "tensors": {"inputs": raw.arrays(scorer.parse(tf.constant(rows))), "outputs": answers},
    }
    if top_count(scorer):
        requests["explain"] = _explain(scorer, rows, answers["logits"])
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


def _explain(scorer: Scorer, rows: Any, logits: Any) -> dict[str, Any]:
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
    kept = _told_apart(np.abs(shares[picked, order[:, : count + 1]]))
    return {
        "inputs": {"examples": rows[kept]},
        "outputs": {name: one[kept] for name, one in outputs.items()},
    }


def _told_apart(sorted_shares: Any) -> Any:
    """Rows whose order of pairs does not hang on rounding; all rows if there are none.

    A film that is also the only one in the history gives two pairs the same share.
    """
    larger, smaller = sorted_shares[:, :-1], sorted_shares[:, 1:]
    apart = (larger - smaller > _APART * larger) | (larger == 0.0)
    rows = np.flatnonzero(apart.all(axis=1))
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
