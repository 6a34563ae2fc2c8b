"""Batches to labels, predictions and some features."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipelines.evaluation.examples import Examples
from pipelines.evaluation.feature_values import feature_values


def collect_examples(
    batches: Iterable[Any],
    features: Sequence[str] = (),
    models: Mapping[str, Any] | None = None,
) -> Examples:
    """Goes through a data set once, and lets each model predict each batch.

    Args:
        batches: `(features, labels)` or `(features, labels, weights)`, as training reads them.
        features: Names of the features to keep, as the group and what slices are made of.
        models: Name -> model, called as `model(features)`.

    Returns:
        Arrays in the order of the data set.

    Raises:
        ValueError: If there are no examples, or a batch lacks a feature that is to be kept.

    Example:
        >>> batch = {"film": tf.constant([[3], [4]])}, tf.constant([[0.0], [1.0]])
        >>> found = collect_examples([batch], ["film"])
        >>> found.labels.tolist(), found.features["film"].tolist()
        ([0.0, 1.0], [3, 4])
    """
    predict = {
        name: tf.function(model.__call__, reduce_retracing=True)
        for name, model in (models or {}).items()
    }
    labels: list[NDArray[np.float64]] = []
    weights: list[NDArray[np.float64]] = []
    kept: dict[str, list[Any]] = {name: [] for name in features}
    predictions: dict[str, list[NDArray[np.float64]]] = {name: [] for name in predict}
    for inputs, *targets in batches:
        for name in features:
            if name not in inputs:
                raise ValueError(
                    f"`features` must be in the batches. Received: features={name!r}. "
                    f"The batches have {', '.join(sorted(inputs))}."
                )
            kept[name].append(feature_values(inputs[name]))
        for found, given in zip((labels, weights), targets, strict=False):
            found.append(np.asarray(given, np.float64).ravel())
        for name, call in predict.items():
            predictions[name].append(np.asarray(call(inputs), np.float64).ravel())
    if not labels:
        raise ValueError("`batches` must hold examples. Received: none. Check the data.")
    return Examples(
        labels=np.concatenate(labels),
        weights=np.concatenate(weights) if weights else None,
        features={name: _joined(values) for name, values in kept.items()},
        predictions={name: np.concatenate(values) for name, values in predictions.items()},
    )


def _joined(values: list[Any]) -> Sequence[Any] | NDArray:
    if all(isinstance(value, np.ndarray) for value in values):
        return np.concatenate(values)
    return [row for value in values for row in value]
