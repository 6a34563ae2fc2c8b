"""Weights that sum to one."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members


def normalized(weights: Any, members: Members) -> Any:
    """Scales the weights of each example, times the members' values, so that they sum to 1.

    Args:
        weights: `(count,)` floats, not negative.
        members: The members; values that are not positive take no part.

    Returns:
        `(count,)`; zeros for an example whose weights are all zero.
    """
    if members.values is not None:
        weights *= tf.nn.relu(tf.cast(members.values, weights.dtype))
    total = tf.math.unsorted_segment_sum(weights, members.rows, members.num_rows)
    return tf.math.divide_no_nan(weights, tf.gather(total, members.rows))
