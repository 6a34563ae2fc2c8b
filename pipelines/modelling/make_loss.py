"""The loss that a configuration names."""

from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.configuration.configuration import Configuration


def make_loss(configuration: Configuration) -> Any:
    """Makes the loss of labels and logits that `task` describes.

    Args:
        configuration: Its sections `task` and, for losses of groups, `data`.

    Returns:
        A Keras loss, or one of `tfrs_afm.tasks.losses`.
    """
    task, losses = configuration.task, tfrs_afm.tasks.losses
    # The configuration has checked that what a loss needs is there.
    group: Any = configuration.data.group
    low: Any = task.low
    high: Any = task.high
    if task.loss == "binary_crossentropy":
        return tf.keras.losses.BinaryCrossentropy(
            from_logits=True, label_smoothing=task.label_smoothing
        )
    if task.loss == "mean_squared_error":
        return tf.keras.losses.MeanSquaredError()
    if task.loss == "clipped_squared_error":
        return losses.ClippedSquaredError(low, high, task.scale)
    if task.loss == "pairwise_logistic":
        return losses.PairwiseLogistic(group)
    return losses.ListwiseSoftmax(group)
