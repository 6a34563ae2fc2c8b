"""How large a model over some columns will be."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfrs_afm.columns.fields_of import fields_of
from tfrs_afm.embeddings.field_tables import field_tables
from tfrs_afm.table_routes import table_routes
from tfrs_afm.table_size import TableSize
from tfrs_afm.table_sizes import TableSizes

# Further numbers of the size of a table that an optimizer keeps beside it.
_SLOTS = {"adagrad": 1, "adam": 2, "ftrl": 2, "momentum": 1, "rmsprop": 1, "sgd": 0}
_BYTES = 4
_MEGABYTE = 1e6


def size_report(
    columns: Sequence[Any],
    dim: int | None = None,
    *,
    linear: bool = True,
    tables: Mapping[str, Any] | None = None,
    optimizer: str = "adagrad",
    budget_megabytes: float | None = None,
    parameter_servers: int = 0,
) -> TableSizes:
    """Says how large the tables of columns will be, before anything is built, and where they fit.

    With a budget, each table gets a route: "one host" where all fit; otherwise the largest are
    "sharded" over the parameter servers, under a `ParameterServerStrategy` with a
    `MinSizePartitioner`; and what then still is too large is "compositional", to be given as
    `tables={name: QuotientRemainderTable(rows, dim)}`.

    Args:
        columns: Feature columns, as for `FieldEmbedding`.
        dim: As for `FieldEmbedding`.
        linear: As for `FieldEmbedding`.
        tables: As for `FieldEmbedding`.
        optimizer: "adagrad", "adam", "ftrl", "momentum", "rmsprop" or "sgd".
        budget_megabytes: Memory of one host for tables and slots, in MB of 10^6 bytes. Batches,
            dense layers and TensorFlow itself need more beside it. Default: no limit.
        parameter_servers: Number of parameter servers, each with that memory.

    Returns:
        The sizes, largest table first.

    Raises:
        ValueError: If the optimizer is none of these, the budget is not positive, or the number of
            parameter servers is negative.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> user = fc.categorical_column_with_hash_bucket("user", 1_000_000)
        >>> columns = [fc.embedding_column(user, 16)]
        >>> report = tfrs_afm.size_report(columns, optimizer="adam")
        >>> report.parameters, round(report.megabytes)
        (17000000, 204)
        >>> report = tfrs_afm.size_report(columns, budget_megabytes=100, parameter_servers=4)
        >>> [(table.name, table.route) for table in report.tables]
        [('user_embedding', 'sharded'), ('user_embedding/linear', 'one host')]
    """
    if optimizer not in _SLOTS:
        raise ValueError(
            f"`optimizer` must be one of {', '.join(_SLOTS)}. Received: optimizer={optimizer!r}. "
            "Choose the one whose slots are like yours."
        )
    if budget_megabytes is not None and budget_megabytes <= 0:
        raise ValueError(
            "`budget_megabytes` must be positive. Received: "
            f"budget_megabytes={budget_megabytes}. Give the memory of one host, 16_000 say."
        )
    if parameter_servers < 0:
        raise ValueError(
            "`parameter_servers` must not be negative. Received: "
            f"parameter_servers={parameter_servers}. Use 0 for one process."
        )
    fields = fields_of(columns)

    def make(composed: Mapping[str, Any]) -> dict[str, Any]:
        given = {**composed, **(tables or {})}
        return field_tables(fields, dim, linear=linear, given=given, policy=None)

    def in_megabytes(table: Any) -> tuple[float, float]:
        megabytes = table.num_parameters * _BYTES / _MEGABYTE
        return megabytes, megabytes * _SLOTS[optimizer] if table.trainable else 0.0

    limit = float("inf") if budget_megabytes is None else budget_megabytes
    routes = table_routes(make, lambda table: sum(in_megabytes(table)), limit, parameter_servers)
    sizes = [
        TableSize(
            name, table.rows, table.dim, table.num_parameters, *in_megabytes(table), *routes[name]
        )
        for name, table in make({}).items()
    ]
    sizes.sort(key=lambda size: (-size.parameters, size.name))
    return TableSizes(sizes, budget_megabytes)
