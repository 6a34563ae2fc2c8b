"""Single examples of a data set, taken apart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import tfrs_afm
from pipelines.evaluation.feature_values import feature_values
from pipelines.report.explained_example import ExplainedExample
from pipelines.report.short_names import short_names

_MOST_VALUES = 12  # of a list; a history may have hundreds


def explain_rows(
    model: Any, batches: Iterable[Any], rows: Sequence[tuple[int, str]]
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
    model: Any, features: Mapping[str, Any], label: float
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
        value = value.item() if isinstance(value, np.generic) else value
        return f"{value:g}" if isinstance(value, float) else str(value)
    more = f" and {len(value) - _MOST_VALUES} more" if len(value) > _MOST_VALUES else ""
    return ", ".join(_text(one) for one in value[:_MOST_VALUES]) + more or "(none)"
