"""Logistic loss of pairs of examples."""

from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.losses.grouped_loss import GroupedLoss


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class PairwiseLogistic(GroupedLoss):
    """Asks that an example is scored above those of its group with a smaller label.

        loss_i = mean over j of the group of i with y_j < y_i of log(1 + exp(s_j - s_i))
    An example with nothing below it has loss 0. Compares all pairs of a batch: memory grows with
    the square of the batch, 4 bytes a pair.
    Reference: Burges et al. 2005, "Learning to Rank using Gradient Descent".

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the loss.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> loss = tfrs_afm.tasks.losses.PairwiseLogistic("user_id")
        >>> groups = tf.constant([7, 7, 8], tf.int64)
        >>> loss.of_groups([1.0, 0.0, 0.0], tf.zeros([3]), groups).numpy().round(4).tolist()
        [0.6930999755859375, 0.0, 0.0]
    """

    def __init__(self, group: str, name: str = "pairwise_logistic", **kwargs: Any) -> None:
        super().__init__(group, name, **kwargs)

    def of_groups(self, labels: Any, logits: Any, groups: Any) -> Any:
        """Computes each example's share of the loss; see the class."""
        scores = tf.reshape(logits, [-1])
        labels = tf.cast(tf.reshape(labels, [-1]), scores.dtype)
        below = (labels[:, tf.newaxis] > labels) & (groups[:, tf.newaxis] == groups)
        below = tf.cast(below, scores.dtype)  # (batch, batch)
        losses = tf.nn.softplus(scores - scores[:, tf.newaxis]) * below
        return tf.math.divide_no_nan(tf.reduce_sum(losses, axis=1), tf.reduce_sum(below, axis=1))
