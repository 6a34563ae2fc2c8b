"""The name of the variable that a shard is a part of."""

import re
from typing import Any


def whole_name(variable: Any) -> str:
    """Returns the name that a variable has, or would have if it were not sharded.

    TensorFlow calls every sharded variable "ShardedVariable", and its shards by the variable's own
    name and their number.

    Args:
        variable: A variable, a sharded one, or a shard of one.

    Example:
        >>> import tensorflow as tf
        >>> from tfrs_afm.optimizers import whole_name
        >>> whole_name(tf.Variable(1.0, name="table/part_0"))
        'table:0'
    """
    shards = getattr(variable, "variables", None)
    name = shards[0].name if isinstance(shards, list | tuple) else variable.name
    return re.sub(r"/part_\d+(?=:|$)", "", name)
