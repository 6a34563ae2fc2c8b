"""Ids past the end of their table."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.field import Field


def check_ids(ids: Mapping[Field, Any]) -> Any:
    """Makes an id past the last bucket an error that names the feature and the row.

    Args:
        ids: SparseTensors of ids by field.

    Returns:
        A tensor to depend on.

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if an id is out of range.
    """
    largest = tf.stack([tf.reduce_max(one.values) for one in ids.values()])  # least int64 if empty
    known = largest < tf.constant([field.table.rows for field in ids], tf.int64)

    def complain() -> Any:
        for index, (field, one) in enumerate(ids.items()):
            beyond = tf.concat([one.values >= field.table.rows, [True]], 0)
            first = tf.argmax(tf.cast(beyond, tf.int32))
            message = [
                f"`{field.keys[0]}` must be below num_buckets={field.table.rows}. "
                f"Received for field '{field.name}':",
                tf.concat([one.values, [-1]], 0)[first],
                "in row",
                tf.concat([one.indices[:, 0], [-1]], 0)[first],
                "Give the column a default_value, or more buckets.",
            ]
            tf.debugging.Assert(known[index], message, summarize=1)
        return tf.constant(value=False)

    return tf.cond(tf.reduce_all(known), lambda: tf.constant(value=True), complain)
