"""What pooling rules have in common."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members
from tfrs_afm.embeddings.segment_sum import segment_sum


class Pooling(tf.keras.layers.Layer):
    """A rule that pools the members of a field; abstract.

    A rule is a Keras layer of its own, given to an embedding layer by column name. It works on the
    flat list of real members, so padding cannot reach it.

    Call arguments:
        rows: `(count, dim)`, the row of each member.
        linear: `(count, 1)`, the linear weight of each member, or None.
        members: The members; where they carry values, these multiply rows and linear weights.
        query: `(batch, dim)`, the vector of the field named by `query`, for rules that have one.

    Returns:
        `(batch, dim)` and `(batch, 1)` or None; zeros for an example without members.
    """

    query: str | None = None

    def call(self, rows: Any, linear: Any, members: Members, query: Any = None) -> tuple[Any, Any]:
        """Pools by the weights of the members; see the class."""
        weights = tf.cast(self.member_weights(rows, members, query), rows.dtype)[:, tf.newaxis]
        pooled = segment_sum(rows * weights, members.rows, members.num_rows)
        if linear is None:
            return pooled, None
        return pooled, segment_sum(linear * weights, members.rows, members.num_rows)

    def member_weights(self, rows: Any, members: Members, query: Any) -> Any:
        """Returns the `(count,)` weight of each member in the sum of its example."""
        raise TypeError(f"{type(self).__name__} must define `member_weights`, or `call`.")
