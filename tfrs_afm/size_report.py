"""How large a model over some columns will be."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tfrs_afm.columns.fields_of import fields_of
from tfrs_afm.embeddings.field_tables import field_tables

# Further numbers of the size of a table that an optimizer keeps beside it.
_SLOTS = {"adagrad": 1, "adam": 2, "ftrl": 2, "momentum": 1, "rmsprop": 1, "sgd": 0}
_BYTES = 4
_MEGABYTE = 1e6


@dataclasses.dataclass(frozen=True)
class TableSize:
    """The size of one table.

    Attributes:
        name: Name of the table; `<field>/linear` for linear weights.
        rows: Number of ids.
        dim: Length of a row.
        parameters: Trained numbers; fewer than `rows * dim` in a compositional table.
        megabytes: Memory of the parameters as float32, in MB of 10^6 bytes.
        slot_megabytes: Memory of the optimizer's slots beside it, in MB.
    """

    name: str
    rows: int
    dim: int
    parameters: int
    megabytes: float
    slot_megabytes: float


@dataclasses.dataclass(frozen=True)
class SizeReport:
    """The sizes of all tables; print it for a table."""

    tables: list[TableSize]

    @property
    def parameters(self) -> int:
        """Trained numbers of all tables."""
        return sum(table.parameters for table in self.tables)

    @property
    def megabytes(self) -> float:
        """Memory in training: parameters and slots of all tables, in MB of 10^6 bytes."""
        return sum(table.megabytes + table.slot_megabytes for table in self.tables)

    def __str__(self) -> str:
        width = max(len(table.name) for table in self.tables)
        lines = [f"{'table':{width}} {'rows':>14} {'dim':>5} {'MB':>10} {'slots MB':>10}"]
        lines += [
            f"{table.name:{width}} {table.rows:>14,} {table.dim:>5} {table.megabytes:>10,.2f} "
            f"{table.slot_megabytes:>10,.2f}"
            for table in self.tables
        ]
        lines.append(f"{self.parameters:,} parameters, {self.megabytes:,.2f} MB in training")
        return "\n".join(lines)


def size_report(
    columns: Sequence[Any],
    dim: int | None = None,
    *,
    linear: bool = True,
    tables: Mapping[str, Any] | None = None,
    optimizer: str = "adagrad",
) -> SizeReport:
    """Says how large the tables of columns will be, before anything is built.

    Args:
        columns: Feature columns, as for `FieldEmbedding`.
        dim: As for `FieldEmbedding`.
        linear: As for `FieldEmbedding`.
        tables: As for `FieldEmbedding`.
        optimizer: "adagrad", "adam", "ftrl", "momentum", "rmsprop" or "sgd".

    Returns:
        The sizes, largest table first.

    Raises:
        ValueError: If the optimizer is none of these.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> user = fc.categorical_column_with_hash_bucket("user", 1_000_000)
        >>> report = tfrs_afm.size_report([fc.embedding_column(user, 16)], optimizer="adam")
        >>> report.parameters, round(report.megabytes)
        (17000000, 204)
    """
    if optimizer not in _SLOTS:
        raise ValueError(
            f"`optimizer` must be one of {', '.join(_SLOTS)}. Received: optimizer={optimizer!r}. "
            "Choose the one whose slots are like yours."
        )
    made = field_tables(fields_of(columns), dim, linear=linear, given=tables, policy=None)
    sizes = []
    for name, table in made.items():
        megabytes = table.num_parameters * _BYTES / _MEGABYTE
        slots = megabytes * _SLOTS[optimizer] if table.trainable else 0.0
        sizes.append(TableSize(name, table.rows, table.dim, table.num_parameters, megabytes, slots))
    return SizeReport(sorted(sizes, key=lambda size: (-size.parameters, size.name)))
