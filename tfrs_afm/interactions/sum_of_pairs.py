"""The sum of all pairs, without the pairs."""

from typing import Any

import tensorflow as tf


def sum_of_pairs(vectors: Any, groups: Any = None) -> Any:
    """Sums the products of all pairs of members in time linear in their number.

        sum_{i<j} v_i * v_j = 1/2 ((sum_i v_i)^2 - sum_g (sum_{i in g} v_i)^2)
    over pairs of different groups g, where without groups each member is its own.

    Args:
        vectors: `(batch, n, dim)` floats, zeros where masked.
        groups: `(n,)` ints in [0, n); pairs within one group are left out. Default: none is.

    Returns:
        `(batch, dim)`.

    Example:
        >>> sum_of_pairs(tf.constant([[[1.0], [2.0], [3.0]]])).numpy().tolist()
        [[11.0]]
    """
    if groups is None:
        squares = tf.reduce_sum(tf.square(vectors), axis=1)
    else:
        members = tf.transpose(vectors, [1, 0, 2])  # (n, batch, dim)
        sums = tf.math.unsorted_segment_sum(members, groups, tf.shape(members)[0])
        squares = tf.reduce_sum(tf.square(sums), axis=0)
    return 0.5 * (tf.square(tf.reduce_sum(vectors, axis=1)) - squares)
