"""The variable that a shard is a part of."""

from typing import Any


def whole(variable: Any) -> Any:
    """Returns the sharded variable that a shard is part of, or the variable itself.

    Under a parameter server strategy a layer and its optimizer see the shards of a table, a
    checkpoint the whole.

    Args:
        variable: One of a model's `trainable_variables`, or a slot of it.

    Returns:
        An object with the `shape` and `dtype` of the whole; its name says `whole_name`.

    Example:
        >>> import tensorflow as tf
        >>> from tfrs_afm.optimizers import whole
        >>> table = tf.Variable([[1.0], [2.0]])
        >>> whole(table) is table
        True
    """
    container = getattr(variable, "_sharded_container", None)
    return variable if container is None else container()
