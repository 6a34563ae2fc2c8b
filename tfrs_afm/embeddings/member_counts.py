"""How many members each example has."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members


def member_counts(fields: Sequence[Members]) -> list[Any]:
    """Counts the real members of each example, for several fields in one go.

    Args:
        fields: The members of fields of one batch.

    Returns:
        For each field, `(batch,)` float32.
    """
    if not fields:
        return []
    batch = tf.cast(fields[0].num_rows, tf.int32)
    number = len(fields)
    rows = [tf.cast(one.rows, tf.int32) + index * batch for index, one in enumerate(fields)]
    counts = tf.raw_ops.DenseBincount(  # a tenth of the time of a scatter
        input=tf.concat(rows, 0), size=number * batch, weights=tf.zeros([0], tf.float32)
    )
    return tf.unstack(tf.reshape(counts, [number, -1]))
