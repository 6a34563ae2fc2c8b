"""Weights of examples by their label."""

from typing import Any

import tensorflow as tf


def weigh_classes(dataset: Any, weights: tuple[float, ...]) -> Any:
    """Multiplies the sample weights of a data set with a weight for each class.

    Args:
        dataset: Of `(features, labels)` or `(features, labels, sample_weight)`, labels
            `(batch, 1)`.
        weights: For labels up to 0, and for those above.

    Returns:
        A `tf.data.Dataset` of `(features, labels, sample_weight (batch, 1) float32)`.

    Example:
        >>> examples = tf.data.Dataset.from_tensors(({}, tf.constant([[1.0], [0.0]])))
        >>> next(iter(weigh_classes(examples, (1.0, 3.0))))[2].numpy().tolist()
        [[3.0], [1.0]]
    """
    negative, positive = weights

    def weigh(features: Any, labels: Any, sample_weight: Any = 1.0) -> tuple[Any, Any, Any]:
        by_class = tf.where(labels > 0, tf.constant(positive), tf.constant(negative))
        return features, labels, by_class * tf.cast(sample_weight, tf.float32)

    return dataset.map(weigh)
