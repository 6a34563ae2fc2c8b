"""One step of one replica."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def counted_step(step: Callable[[Any], dict[str, Any]], batch: Any) -> Any:
    """Runs a step of a model and tells what it saw.

    Args:
        step: Takes a batch and returns a dict that may have "loss".
        batch: `(features, labels)` or `(features, labels, sample_weight)`.

    Returns:
        `(2,)` int32: the examples in the batch, and 1 if the loss is a finite number, 0 if not. In
        one tensor: each one that replicas add up is a message between machines.

    Example:
        >>> counts = counted_step(lambda batch: {}, ({}, tf.zeros([3, 1])))
        >>> counts.numpy().tolist()
        [3, 1]
    """
    loss = step(batch).get("loss", tf.constant(0.0))
    rows = tf.shape(tf.nest.flatten(batch[1])[0])[0]
    return tf.stack([rows, tf.cast(tf.reduce_all(tf.math.is_finite(loss)), tf.int32)])
