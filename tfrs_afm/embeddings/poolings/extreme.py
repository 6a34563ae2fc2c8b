"""Component-wise extremes over the members of an example."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members
from tfrs_afm.embeddings.combine import combine
from tfrs_afm.embeddings.member_counts import member_counts


def extreme(
    segment: Callable[..., Any], rows: Any, linear: Any, members: Members
) -> tuple[Any, Any]:
    """Pools by an unsorted segment maximum or minimum; zeros for an empty example.

    Args:
        segment: `tf.math.unsorted_segment_max` or `tf.math.unsorted_segment_min`.
        rows: `(count, dim)`, the row of each member.
        linear: `(count, 1)` or None.
        members: The members.

    Returns:
        The extremes `(batch, dim)`, and the mean of the linear weights `(batch, 1)` or None.
    """
    if members.values is not None:
        rows *= tf.cast(members.values, rows.dtype)[:, tf.newaxis]
    pooled = segment(rows, members.rows, members.num_rows)
    # The extreme over nothing is the limit of the dtype; an empty example is zeros.
    counts = member_counts(members)
    pooled = tf.where(counts[:, tf.newaxis] > 0, pooled, tf.zeros_like(pooled))
    return pooled, None if linear is None else combine(linear, members, "mean")
