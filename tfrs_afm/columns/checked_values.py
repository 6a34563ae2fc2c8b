"""Values that do not fit their ids."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.field import Field


def checked_values(field: Field, ids: Any, values: Any) -> Any:
    """Makes a list of values of another length than its ids an error that names both and the row.

    Args:
        field: A field whose ids have values.
        ids: SparseTensor of the ids.
        values: SparseTensor of their values.

    Returns:
        `(count,)` float32, the values in the order of the ids.

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if a row has another number of values than of
            ids.
    """
    batch = ids.dense_shape[0]

    def per_row(one: Any) -> Any:
        rows = tf.minimum(one.indices[:, 0], batch - 1)
        return tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, batch)

    number_of_ids, number_of_values = per_row(ids), per_row(values)
    differ = number_of_ids != number_of_values
    safe = tf.concat([differ, [False]], 0)  # so that there is a row in an empty batch
    row = tf.argmax(tf.cast(safe, tf.int32))
    key = field.categorical.weight_feature_key
    message = [
        f"`{key}` must have one value per id. Received for field '{field.name}' in row",
        row,
        "ids and values:",
        tf.concat([number_of_ids, [0]], 0)[row],
        tf.concat([number_of_values, [0]], 0)[row],
        "Write as many values as ids.",
    ]
    check = tf.debugging.Assert(~tf.reduce_any(differ), message, summarize=1)
    with tf.control_dependencies([] if check is None else [check]):
        return tf.cast(tf.identity(values.values), tf.float32)
