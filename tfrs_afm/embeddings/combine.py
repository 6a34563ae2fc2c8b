"""Looked-up rows to one vector per example, as a column's combiner says."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members
from tfrs_afm.embeddings.member_counts import member_counts
from tfrs_afm.embeddings.segment_sum import segment_sum


def combine(rows: Any, members: Members, combiner: str, counts: Any = None) -> Any:
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
