"""Single predictions, taken apart."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

import tfrs_afm
from pipelines.evaluation.feature_values import feature_values
from pipelines.reporting.contents import Contents, ExplainedExample, Table, short_names
from tfrs_afm.types import Model

_MOST_PARTS = 8
_WIDEST = 5.0  # rem


def examples(contents: Contents) -> dict[str, Any] | None:
    """Returns a card for each example: what it is, and what made its score."""
    return {"cards": list(map(_card, contents.examples))} if contents.examples else None


def _card(example: ExplainedExample) -> dict[str, Any]:
    parts = sorted(example.parts.items(), key=lambda item: -abs(item[1]))
    shown, rest = parts[:_MOST_PARTS], parts[_MOST_PARTS:]
    if rest:
        shown.append((f"{len(rest)} smaller parts", sum(share for _, share in rest)))
    limit = max((abs(share) for _, share in shown), default=0.0) or 1.0
    return {
        "example": example,
        "logit": sum(example.parts.values()),
        "parts": [
            {"name": name, "share": share, "width": _WIDEST * abs(share) / limit}
            for name, share in shown
        ],
    }


_MOST_PAIRS = 10


@dataclasses.dataclass(frozen=True)
class Heat:
    """A number for each pair of fields, on a colour that tells how large it is.

    Attributes:
        caption: What it shows.
        fields: Headings of the columns.
        rows: The field of each row, and its cells: text, colour and strength, or None.
    """

    caption: str
    fields: list[str]
    rows: list[tuple[str, list[dict[str, str] | None]]]

    @classmethod
    def of(cls, caption: str, fields: list[str], values: np.ndarray, *, signed: bool) -> "Heat":
        """Colours a square of numbers, which may have signs."""
        limit = float(np.abs(values).max()) or 1.0

        def cell(value: float, *, itself: bool) -> dict[str, str] | None:
            if itself and not value:
                return None
            return {
                "text": f"{value:{'+' if signed else ''}.3f}",
                "colour": "--plus" if value >= 0 else "--minus",
                # Never so strong that the number on it cannot be read.
                "strength": f"{0.6 * abs(value) / limit:.3f}",
            }

        rows = [
            (name, [cell(float(value), itself=i == j) for j, value in enumerate(values[i])])
            for i, name in enumerate(fields)
        ]
        return cls(caption, fields, rows)


def pairs(contents: Contents) -> dict[str, Any] | None:
    """Returns the attention and the share of every pair as heat maps, and the strongest pairs."""
    found = contents.pairs
    if found is None:
        return None
    rows = [
        [
            " \N{MULTIPLICATION SIGN} ".join(row["fields"]),
            f"{row['contribution']:+.4f}",
            f"{row['magnitude']:.4f}",
            f"{row['attention']:.4f}",
        ]
        for row in found.table()[:_MOST_PAIRS]
    ]
    return {
        "attention": Heat.of(
            "Attention of each pair of fields", found.fields, found.attention, signed=False
        ),
        "contribution": Heat.of(
            "Mean share of each pair in the logit", found.fields, found.contribution, signed=True
        ),
        "strongest": Table(
            "The pairs that move logits most, in either direction",
            ["pair", "mean share", "mean size", "attention"],
            rows,
        ),
    }


_MOST_VALUES = 12  # of a list; a history may have hundreds


def explain_rows(
    model: Model, batches: Iterable[Any], rows: Sequence[tuple[int, str]]
) -> list[ExplainedExample]:
    """Finds examples by their place in a data set and splits their logits into named parts.

    Args:
        model: `tfrs_afm.models.AFM` or `DeepFM`.
        batches: `(features, labels, ...)`, in the order that the places count in.
        rows: (place, story) of each example.

    Returns:
        The examples, in the order of `rows`.

    Example:
        >>> fc = tf.feature_column
        >>> columns = [
        ...     fc.embedding_column(fc.categorical_column_with_identity(name, 10), 4)
        ...     for name in ("user", "film")
        ... ]
        >>> model = tfrs_afm.models.AFM(columns)
        >>> features = {"user": tf.constant([[1], [2]]), "film": tf.constant([[3], [4]])}
        >>> batch = features, tf.constant([[0.0], [1.0]])
        >>> explain_rows(model, [batch], [(1, "the second")])[0].features
        {'user': '2', 'film': '4'}
    """
    wanted = {place for place, _ in rows}
    found = {}
    start = 0
    for features, labels, *_ in batches:
        size = int(labels.shape[0])
        for place in wanted:
            if start <= place < start + size:
                one = {name: _row(value, place - start) for name, value in features.items()}
                found[place] = _explained(model, one, float(labels[place - start][0]))
        start += size
    return [ExplainedExample(story, *found[place]) for place, story in rows if place in found]


def _explained(
    model: Model, features: Mapping[str, Any], label: float
) -> tuple[float, float, dict[str, str], dict[str, float]]:
    told = tfrs_afm.explain(model, features)
    parts = {"bias": told.bias}
    short = short_names(told.fields)
    for name, share in zip(told.fields, told.linear[0].tolist(), strict=True):
        parts[short[name]] = share
    for names, share in zip(told.pair_names, told.pairs[0].tolist(), strict=True):
        parts[" & ".join(short[name] for name in names)] = share
    if told.deep.any():
        parts["deep tower"] = float(told.deep[0])
    if told.calibration.any():
        parts["calibration"] = float(told.calibration[0])
    prediction = float(tf.reshape(model(features), [-1])[0])
    shown = {name: _text(feature_values(value)[0]) for name, value in features.items()}
    return label, prediction, shown, {name: share for name, share in parts.items() if share}


def _row(value: Any, place: int) -> Any:
    if isinstance(value, tf.SparseTensor):
        rest = value.dense_shape[1:]
        begin = tf.concat([[place], tf.zeros_like(rest)], 0)
        return tf.sparse.slice(value, begin, tf.concat([[1], rest], 0))
    return value[place : place + 1]


def _text(value: Any) -> str:
    if not isinstance(value, list):
        return f"{value:g}" if isinstance(value, float) else str(value)
    more = f" and {len(value) - _MOST_VALUES} more" if len(value) > _MOST_VALUES else ""
    return ", ".join(_text(one) for one in value[:_MOST_VALUES]) + more or "(none)"


def notable_rows(
    labels: ArrayLike, predictions: ArrayLike, *, binary: bool = True, each: int = 2
) -> list[tuple[int, str]]:
    """Returns the surest right answers and the worst mistakes.

    Args:
        labels: `(examples,)`.
        predictions: `(examples,)`.
        binary: Whether labels are 0 and 1; otherwise right is what comes nearest.
        each: How many of each kind.

    Returns:
        (row, story), by kind.

    Example:
        >>> for row, story in notable_rows([1, 0, 1, 0], [0.9, 0.1, 0.2, 0.8], each=1):
        ...     print(row, story)
        0 Sure and right: positive
        1 Sure and right: negative
        2 Worst miss: positive, called negative
        3 Worst false alarm: negative, called positive
    """
    label = np.asarray(labels, np.float64).ravel()
    prediction = np.asarray(predictions, np.float64).ravel()
    if not binary:
        error = np.abs(label - prediction)
        kinds = {"Nearest to its label": error, "Farthest from its label": -error}
        chosen = {story: np.arange(label.size) for story in kinds}
    else:
        positive, negative = np.flatnonzero(label > 0), np.flatnonzero(label <= 0)
        chosen = {
            "Sure and right: positive": positive,
            "Sure and right: negative": negative,
            "Worst miss: positive, called negative": positive,
            "Worst false alarm: negative, called positive": negative,
        }
        signs = (-1.0, 1.0, 1.0, -1.0)
        kinds = {story: sign * prediction for story, sign in zip(chosen, signs, strict=True)}
    return [
        (int(row), story)
        for story, rows in chosen.items()
        for row in rows[np.argsort(kinds[story][rows], kind="stable")[:each]]
    ]
