"""Labels and weights of a batch, checked. Apart from `BatchOptions`, which needs no TensorFlow."""

from typing import Any

import tensorflow as tf

from pipelines.readers.bad_rows import LABEL_FIX
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.example_types import checked


def targets(features: Any, label: Any, weight: Any, where: Any, options: BatchOptions) -> Any:
    """Returns `(features, labels)`, `(features, labels, weights)`, or `features` without a label.

    Args:
        features: The features of the batch.
        label: `(batch,)` numbers; unused without a label.
        weight: `(batch,)` numbers; unused without a weight.
        where: File and number of each row, `(batch,)` strings for errors.
        options: Names and ranges.

    Returns:
        Labels and weights are `(batch, 1)` float32.

    Raises:
        tf.errors.InvalidArgumentError: If a label or a weight is out of range; it names the row.
    """
    if options.label is None:
        return features
    labels = tf.cast(label, tf.float32)
    if options.positive_from is not None:
        # A label that is no number stays one, and is found below.
        positive = tf.cast(labels >= options.positive_from, tf.float32)
        labels = tf.where(tf.math.is_nan(labels), labels, positive)
    low, high = options.label_range or (labels.dtype.min, labels.dtype.max)
    fix = f". {LABEL_FIX}" if options.label_range == (0.0, 1.0) else ""
    if options.weight is None:
        return features, _in_range(labels, low, high, options.label, where, fix=fix)
    weights = tf.cast(weight, tf.float32)
    # A label that weighs nothing may be missing.
    labels = _in_range(labels, low, high, options.label, where, fix=fix, counts=weights != 0)
    return features, labels, _in_range(weights, 0.0, weights.dtype.max, options.weight, where)


def _in_range(
    values: Any,
    low: float,
    high: float,
    name: str,
    where: Any,
    *,
    fix: str = "",
    counts: Any = True,
) -> Any:
    good = ~(~((values >= low) & (values <= high)) & counts)
    rule, rows = f"be a number in [{low:g}, {high:g}]", tf.range(tf.size(values))
    return checked(values, good, name, rule, where, rows, fix=fix)[:, tf.newaxis]  # (batch, 1)
