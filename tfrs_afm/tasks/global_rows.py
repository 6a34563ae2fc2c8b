"""The size of the batch that replicas share."""

from typing import Any

import tensorflow as tf


def global_rows(rows: Any) -> Any:
    """Adds up the rows of a step over the replicas of a `tf.distribute` strategy.

    The last batch of a data set seldom divides evenly; the mean over it is the mean of all its
    rows, not that of the replicas' means.

    Args:
        rows: `()` int32, the rows of this replica.

    Returns:
        `()` int32.

    Example:
        >>> int(global_rows(tf.constant(3)))
        3
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    context = tf.distribute.get_replica_context()
    if replicas == 1:
        return rows
    if context is None:  # nobody to ask: all that is known is how many there are
        return rows * replicas
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(rows))
