"""Softmax cross-entropy of lists of examples."""

from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.losses.grouped_loss import GroupedLoss


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class ListwiseSoftmax(GroupedLoss):
    """Asks that the softmax over a group gives its mass to the positives.

        loss_i = -(y_i / sum of y over the group) log softmax over the group (s)_i
    A group without a positive has loss 0; labels are gains, not negative.
    Reference: Cao et al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach".

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the loss.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> loss = tfrs_afm.tasks.losses.ListwiseSoftmax("user_id")
        >>> groups = tf.constant([7, 7, 8], tf.int64)
        >>> loss.of_groups([1.0, 0.0, 0.0], tf.zeros([3]), groups).numpy().round(4).tolist()
        [0.6930999755859375, 0.0, 0.0]
    """

    def __init__(self, group: str, name: str = "listwise_softmax", **kwargs: Any) -> None:
        super().__init__(group, name, **kwargs)

    def of_groups(self, labels: Any, logits: Any, groups: Any) -> Any:
        """Computes each example's share of the loss; see the class."""
        scores = tf.reshape(logits, [-1])
        gains = tf.cast(tf.reshape(labels, [-1]), scores.dtype)
        distinct, place = tf.unique(groups)
        count = tf.size(distinct)
        top = tf.stop_gradient(tf.math.unsorted_segment_max(scores, place, count))
        shifted = scores - tf.gather(top, place)
        sums = tf.math.unsorted_segment_sum(tf.exp(shifted), place, count)
        total = tf.math.unsorted_segment_sum(gains, place, count)
        share = tf.math.divide_no_nan(gains, tf.gather(total, place))
        return share * (tf.gather(tf.math.log(sums), place) - shifted)
