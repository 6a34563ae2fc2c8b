"""Sums over the members of each example."""

from typing import Any

import tensorflow as tf


def segment_sum(data: Any, segments: Any, num_segments: Any, scale: Any = None) -> Any:
    """Sums rows that belong together, with a gradient that is one gather.

    TensorFlow's gradient of its sparse segment sums takes several passes over the rows; each row's
    gradient is just its segment's.

    Args:
        data: `(count, width)` floats.
        segments: `(count,)` int64, ascending.
        num_segments: `()` int64.
        scale: `(num_segments,)` floats that multiply the sums; not differentiated. Default: ones.

    Returns:
        `(num_segments, width)`; zeros for an empty segment.
    """

    @tf.custom_gradient
    def summed(rows: Any) -> Any:
        index = tf.range(tf.shape(rows)[0])
        sums = tf.sparse.segment_sum(rows, index, segments, num_segments=num_segments)

        def gradient(upstream: Any) -> Any:
            return tf.gather(upstream, segments)

        return sums, gradient

    sums = summed(data)
    return sums if scale is None else sums * tf.cast(scale, sums.dtype)[:, tf.newaxis]
