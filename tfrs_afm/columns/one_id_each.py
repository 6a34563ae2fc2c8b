"""A short way for dense features with one id an example."""

from typing import Any

import tensorflow as tf


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def one_id_each(value: Any) -> Any:
    """Makes `(batch,)` or `(batch, 1)` ids sparse, faster than TensorFlow's columns do.

    They search for what is not padding; with one id an example there is rarely any padding, and
    the indices are known.

    Args:
        value: A Tensor of integers or strings, or anything else, which is returned as it is.

    Returns:
        A SparseTensor `(batch, 1)` without the entries that are -1 or the empty string.
    """
    if not isinstance(value, tf.Tensor) or not (value.dtype.is_integer or value.dtype == tf.string):
        return value
    if (value.shape.rank == 2 and value.shape[1] != 1) or value.shape.rank not in (1, 2):
        return value
    flat = tf.reshape(value, [-1])
    batch = tf.shape(flat, tf.int64)[0]
    indices = tf.stack([tf.range(batch), tf.zeros([batch], tf.int64)], axis=1)
    real = flat != tf.constant("" if value.dtype == tf.string else -1, value.dtype)
    indices, flat = tf.cond(
        tf.reduce_all(real),
        lambda: (indices, tf.identity(flat)),
        lambda: (tf.boolean_mask(indices, real), tf.boolean_mask(flat, real)),
    )
    shape = tf.stack([batch, tf.constant(1, tf.int64)])
    return tf.SparseTensor(
        tf.ensure_shape(indices, [None, 2]), tf.ensure_shape(flat, [None]), shape
    )
