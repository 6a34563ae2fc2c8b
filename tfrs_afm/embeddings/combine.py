"""Looked-up rows to one vector per example, as a column's combiner says."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.column_encoder import Members
from tfrs_afm.types import Tensor


def combine(rows: Tensor, members: Members, combiner: str, counts: Tensor | None = None) -> Any:
    """Combines the rows of each example's members.

    With ids i of one example, their rows v_i and values x_i:
        sum:   sum_i x_i v_i
        mean:  sum_i x_i v_i / sum_i x_i
        sqrtn: sum_i x_i v_i / sqrt(sum_i x_i^2)
    which is what `tf.nn.embedding_lookup_sparse` computes. For mean and sqrtn a member whose value
    is not positive is left out, as TensorFlow's embedding columns leave it out.

    Args:
        rows: `(count, width)`, the row of each member.
        members: The members.
        combiner: "sum", "mean" or "sqrtn".
        counts: `(batch,)`, what `member_counts` returns for it, if it is at hand.

    Returns:
        `(batch, width)`; zeros for an example without members.
    """
    batch = members.num_rows
    if members.values is None:
        scale = None
        if combiner != "sum":
            counts = member_counts(members) if counts is None else counts
            scale = tf.math.divide_no_nan(1.0, counts if combiner == "mean" else tf.sqrt(counts))
        return segment_sum(rows, members.rows, batch, scale)
    values = tf.cast(members.values, rows.dtype)
    if combiner != "sum":
        values = tf.nn.relu(values)
    total = segment_sum(rows * values[:, tf.newaxis], members.rows, batch)
    if combiner == "sum":
        return total
    power = values if combiner == "mean" else tf.square(values)
    norm = segment_sum(power[:, tf.newaxis], members.rows, batch)
    return tf.math.divide_no_nan(total, norm if combiner == "mean" else tf.sqrt(norm))


def member_counts(members: Members) -> Tensor:
    """Counts the real members of each example.

    Args:
        members: The members of a field.

    Returns:
        `(batch,)` float32.
    """
    return tf.raw_ops.DenseBincount(  # faster than to scatter ones
        input=tf.cast(members.rows, tf.int32),
        size=tf.cast(members.num_rows, tf.int32),
        weights=tf.zeros([0], tf.float32),
    )


def segment_sum(
    data: Any, segments: Tensor, num_segments: Tensor, scale: Tensor | None = None
) -> Tensor:
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
    def summed(rows: Tensor) -> Tensor:
        index = tf.range(tf.shape(rows)[0])
        sums = tf.sparse.segment_sum(rows, index, segments, num_segments=num_segments)

        def gradient(upstream: Tensor) -> Tensor:
            return tf.gather(upstream, segments)

        return sums, gradient

    sums = summed(data)
    return sums if scale is None else sums * tf.cast(scale, sums.dtype)[:, tf.newaxis]


def spread(rows: Tensor, members: Members) -> tuple[Any, Any]:
    """Puts the rows of members, times their values, at their places.

    Args:
        rows: `(count, width)`, the row of each member.
        members: The members; several at one place are added up.

    Returns:
        `(batch, T, width)` with zeros where nothing stands, and `(batch, T)` bool, True where
        something does; T is the longest sequence of the batch.
    """
    if members.values is not None:
        rows *= tf.cast(members.values, rows.dtype)[:, tf.newaxis]
    places = tf.stack([members.rows, members.positions], axis=1)  # (count, 2)
    shape = tf.stack([members.num_rows, members.length])
    width = tf.constant([rows.shape[1]], tf.int64)
    vectors = tf.scatter_nd(places, rows, tf.concat([shape, width], 0))
    mask = tf.tensor_scatter_nd_update(
        tf.zeros(shape, tf.bool), places, tf.ones_like(members.rows, tf.bool)
    )
    return tf.ensure_shape(vectors, [None, None, rows.shape[1]]), mask
