"""Updates of variables in the kernels, by rows or as a whole: one operation for all of a step."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.kernels.library import load, mark_graphs, may_stand_here


class Rule(NamedTuple):
    """How an optimizer moves a row.

    Attributes:
        name: What the kernels call it: "sgd", "momentum", "nesterov", "adagrad", "adam",
            "amsgrad" or "ftrl".
        slots: The optimizer's lists of the slots that it changes, in the kernels' order.
        numbers: Scalars in the kernels' order, the learning rate first.
    """

    name: str
    slots: tuple[str, ...]
    numbers: tuple[Any, ...]


class RowUpdate(NamedTuple):
    """One variable of a step.

    Attributes:
        variable: Float32.
        slots: Those that the rule changes, of the variable's shape.
        gradient: Rows of the variable by id, which may repeat; or a tensor of its shape.
        decays: Whether what is updated loses a share of itself first.
    """

    variable: Any
    slots: Sequence[Any]
    gradient: Any
    decays: bool


def may_update_rows() -> bool:
    """Whether the kernels update variables here and now.

    They do in one process with one CPU device and no `tf.distribute` strategy, where no SavedModel
    is traced: see `may_stand_here`.
    """
    # On a device of its own each variable needs an operation of its own.
    alone = len(tf.config.list_logical_devices()) == 1 and not tf.distribute.has_strategy()
    return alone and may_stand_here()


def takes(gradient: Any, variable: Any) -> bool:
    """Whether a gradient is one that the kernels know: float32, of the variable or its rows."""
    if not isinstance(gradient, tf.IndexedSlices):
        return _is_float32(gradient, variable) and (
            variable.shape.is_fully_defined() and gradient.shape == variable.shape
        )
    rows = gradient.values
    return (
        takes_sum(gradient)
        and _is_float32(rows, variable)
        and rows.shape[1:].is_compatible_with(variable.shape[1:])
    )


def _is_float32(gradient: Any, variable: Any) -> bool:
    return tf.is_tensor(gradient) and gradient.dtype == variable.dtype == tf.float32


def takes_sum(gradient: Any) -> bool:
    """Whether a gradient is one whose rows the kernels can add up."""
    return (
        isinstance(gradient, tf.IndexedSlices)
        and tf.is_tensor(gradient.indices)
        and gradient.indices.dtype in (tf.int32, tf.int64)
        and tf.is_tensor(gradient.values)
        and gradient.values.dtype == tf.float32
    )


def sum_rows(gradients: Sequence[tf.IndexedSlices]) -> list[tf.IndexedSlices]:
    """Adds up the gradients of each row, in their order, for all tables at once.

    Args:
        gradients: Those that `takes_sum` says yes to, at least one.

    Returns:
        The same gradients, with distinct ids in the order in which they appear.
    """
    found, operations = load()
    mark_graphs()
    ids, rows = operations.tfrs_afm_sum_rows(
        ids=[tf.cast(one.indices, tf.int64) for one in gradients],
        gradients=[one.values for one in gradients],
        form=found.form,
    )
    return [
        tf.IndexedSlices(values, indices, one.dense_shape)
        for values, indices, one in zip(rows, ids, gradients, strict=True)
    ]


def update_rows(rule: Rule, decay: Any, updates: Sequence[RowUpdate]) -> None:
    """Adds up the gradients of each row, in their order, and updates it, for all variables at once.

    Args:
        rule: How.
        decay: The share of itself that what `decays` loses before, a scalar.
        updates: One for each variable.

    Raises:
        tf.errors.InvalidArgumentError: If an id is not in its table. Nothing is changed then.
    """
    found, operations = load()
    mark_graphs()
    dense = [not isinstance(one.gradient, tf.IndexedSlices) for one in updates]
    gradients = [one.gradient for one in updates]
    none = tf.zeros([0], tf.int64)
    numbers = [tf.cast(number, tf.float32) for number in (decay, *rule.numbers)]
    operations.tfrs_afm_update_rows(
        tables=[one.variable.handle for one in updates],
        slots=[slot.handle for one in updates for slot in one.slots],
        ids=[
            none if is_dense else tf.cast(gradient.indices, tf.int64)
            for gradient, is_dense in zip(gradients, dense, strict=True)
        ],
        gradients=[
            gradient if is_dense else gradient.values
            for gradient, is_dense in zip(gradients, dense, strict=True)
        ],
        numbers=tf.stack(numbers),
        rule=rule.name,
        form=found.form,
        names=[one.variable.name for one in updates],
        decayed=[one.decays for one in updates],
        dense=dense,
    )
