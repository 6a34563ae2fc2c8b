"""Updates of the rows that a batch looked up, in the kernels: one operation for all tables."""

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
    """One table of a step.

    Attributes:
        table: A float32 variable.
        slots: Those that the rule changes, of the table's shape.
        gradient: Rows of the table by id; ids may repeat.
        decays: Whether its rows lose a share of themselves first.
    """

    table: Any
    slots: Sequence[Any]
    gradient: tf.IndexedSlices
    decays: bool


def may_update_rows() -> bool:
    """Whether the kernels update tables here and now.

    They do in one process with one CPU device and no `tf.distribute` strategy, where no SavedModel
    is traced: see `may_stand_here`.
    """
    # On a device of its own each table needs an operation of its own.
    alone = len(tf.config.list_logical_devices()) == 1 and not tf.distribute.has_strategy()
    return alone and may_stand_here()


def takes(gradient: Any, variable: Any) -> bool:
    """Whether a gradient is one of rows that the kernels know: float32, of the table's rows."""
    if not isinstance(gradient, tf.IndexedSlices):
        return False
    ids, rows = gradient.indices, gradient.values
    return (
        tf.is_tensor(ids)
        and tf.is_tensor(rows)
        and ids.dtype in (tf.int32, tf.int64)
        and rows.dtype == variable.dtype == tf.float32
        and rows.shape[1:].is_compatible_with(variable.shape[1:])
    )


def update_rows(rule: Rule, decay: Any, updates: Sequence[RowUpdate]) -> None:
    """Adds up the gradients of each row, in their order, and updates it, for all tables at once.

    Args:
        rule: How.
        decay: The share of themselves that the rows of tables with `decays` lose before, a scalar.
        updates: One for each table.

    Raises:
        tf.errors.InvalidArgumentError: If an id is not in its table. Nothing is changed then.
    """
    found, operations = load()
    mark_graphs()
    numbers = [tf.cast(number, tf.float32) for number in (decay, *rule.numbers)]
    operations.tfrs_afm_update_rows(
        tables=[one.table.handle for one in updates],
        slots=[slot.handle for one in updates for slot in one.slots],
        ids=[tf.cast(one.gradient.indices, tf.int64) for one in updates],
        gradients=[one.gradient.values for one in updates],
        numbers=tf.stack(numbers),
        rule=rule.name,
        form=found.form,
        names=[one.table.name for one in updates],
        decayed=[one.decays for one in updates],
    )
