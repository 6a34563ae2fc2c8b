"""A flat list of members to a padded batch."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members


def spread(rows: Any, members: Members) -> tuple[Any, Any]:
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
