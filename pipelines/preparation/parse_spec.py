"""From the description of prepared examples to what TensorFlow parses them by."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from pipelines.preparation.feature import Feature


def parse_spec(features: Iterable[Feature]) -> dict[str, Any]:
    """Returns the `features` argument of `tf.io.parse_example` for these features.

    Args:
        features: The features to parse.

    Returns:
        Name -> `tf.io.FixedLenFeature([], dtype, default)` or `tf.io.VarLenFeature(dtype)`.

    Example:
        >>> parse_spec([Feature("history", "int64", "variable", "films seen before")])
        {'history': VarLenFeature(dtype=tf.int64)}
    """
    return {
        feature.name: tf.io.VarLenFeature(tf.as_dtype(feature.dtype))
        if feature.kind == "variable"
        else tf.io.FixedLenFeature([], tf.as_dtype(feature.dtype), feature.default)
        for feature in features
    }
