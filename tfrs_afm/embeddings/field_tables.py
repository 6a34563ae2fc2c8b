"""The tables behind a list of columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.field import Field
from tfrs_afm.columns.tables_of import tables_of
from tfrs_afm.embeddings.dense_table import DenseTable
from tfrs_afm.embeddings.quotient_remainder_table import QuotientRemainderTable


def field_tables(
    fields: Sequence[Field],
    dim: int | None,
    *,
    linear: bool,
    given: Mapping[str, Any] | None,
    policy: Any,
) -> dict[str, Any]:
    """Makes the tables that a list of fields looks up, or takes those that are given.

    Args:
        fields: The fields of one embedding layer.
        dim: Length of the vectors where the columns leave it open.
        linear: Whether each field has linear weights.
        given: Tables to use instead of new ones, by name: a compositional one, or those of another
            layer, which are then shared with it.
        policy: Keras dtype policy of new tables.

    Returns:
        Table layers by name, sorted by it: `<table>` for vectors, `<field>/linear` for weights.

    Raises:
        ValueError: If a given table is of another size, or no field looks it up.
    """
    given = dict(given or {})
    tables: dict[str, Any] = {}
    for name, table in tables_of(fields, dim).items():
        tables[name] = given.pop(name, None) or DenseTable(
            table.rows,
            table.dimension or 0,
            table.initializer,
            table.max_norm,
            table.ckpt_to_load_from,
            table.tensor_name_in_ckpt,
            trainable=table.trainable,
            name=name,
            dtype=policy,
        )
        made = tables[name]
        if (made.rows, made.dim) != (table.rows, table.dimension):
            raise ValueError(
                "`tables` must fit their columns. Received: tables with "
                f"{made.rows} x {made.dim} for table '{name}' of {table.rows} x "
                f"{table.dimension}. Make it with the column's buckets and dimension."
            )
    for field in fields if linear else ():
        name = f"{field.name}/linear"
        tables[name] = given.pop(name, None) or _linear_table(
            field.table.rows, tables[field.table.name], name, policy
        )
    unused = sorted(set(given) - {f"{field.name}/linear" for field in fields})
    if unused:
        raise ValueError(
            f"`tables` must be tables of the columns. Received: tables with {unused}. "
            f"The columns look up {sorted(tables)}."
        )
    return dict(sorted(tables.items()))


def _linear_table(rows: int, vectors: Any, name: str, policy: Any) -> Any:
    """Weights of width 1, composed where the vectors are: a dense column would be as huge."""
    if isinstance(vectors, QuotientRemainderTable):
        return QuotientRemainderTable(
            rows, 1, vectors.num_remainders, "add", "zeros", name=name, dtype=policy
        )
    return DenseTable(rows, 1, tf.keras.initializers.Zeros(), name=name, dtype=policy)
