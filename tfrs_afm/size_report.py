"""How large a model over some columns will be, and which route a large table needs."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfrs_afm.columns.field import fields_of
from tfrs_afm.embeddings.column_embedding import field_tables
from tfrs_afm.embeddings.tables import DenseTable, QuotientRemainderTable
from tfrs_afm.frames import Tabular
from tfrs_afm.types import Tensor


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
        route: Where the table has to go to stay within the budget: "one host" as it is, "sharded"
            over the parameter servers, or "compositional", as a `QuotientRemainderTable`.
        host_megabytes: Memory of table and slots on each host that holds it, on that route, in MB.
    """

    name: str
    rows: int
    dim: int
    parameters: int
    megabytes: float
    slot_megabytes: float
    route: str
    host_megabytes: float


@dataclasses.dataclass(frozen=True)
class TableSizes(Tabular):
    """The sizes of all tables; print it for a table, or take `to_frame()`.

    Attributes:
        tables: One entry a table, largest first.
        budget_megabytes: Memory of one host for tables and slots, in MB; None if it was not given.
    """

    tables: list[TableSize]
    budget_megabytes: float | None = None

    @property
    def parameters(self) -> int:
        """Trained numbers of all tables."""
        return sum(table.parameters for table in self.tables)

    @property
    def megabytes(self) -> float:
        """Memory in training: parameters and slots of all tables, in MB of 10^6 bytes."""
        return sum(table.megabytes + table.slot_megabytes for table in self.tables)

    @property
    def host_megabytes(self) -> float:
        """Memory of one host on the tables' routes, if it holds all that is not sharded, in MB."""
        return sum(table.host_megabytes for table in self.tables)

    @property
    def fits(self) -> bool:
        """Whether the routes stay within the budget."""
        return self.budget_megabytes is None or self.host_megabytes <= self.budget_megabytes

    def _table(self) -> dict[str, Any]:
        names = [field.name for field in dataclasses.fields(TableSize)]
        return {name: [getattr(table, name) for table in self.tables] for name in names}

    def __str__(self) -> str:
        width = max(len(table.name) for table in self.tables)
        routes = self.budget_megabytes is not None
        head = f"{'table':{width}} {'rows':>14} {'dim':>5} {'MB':>10} {'slots MB':>10}"
        lines = [head + (f" {'host MB':>10} route" if routes else "")]
        for table in self.tables:
            line = (
                f"{table.name:{width}} {table.rows:>14,} {table.dim:>5} {table.megabytes:>10,.2f} "
                f"{table.slot_megabytes:>10,.2f}"
            )
            lines.append(
                line + (f" {table.host_megabytes:>10,.2f} {table.route}" if routes else "")
            )
        lines.append(f"{self.parameters:,} parameters, {self.megabytes:,.2f} MB in training")
        if self.budget_megabytes is not None:
            lines.append(
                f"{self.host_megabytes:,.2f} MB on one host of {self.budget_megabytes:,.2f}: "
                + ("fits" if self.fits else "does not fit, take more parameter servers")
            )
        return "\n".join(lines)


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


_Make = Callable[[Mapping[str, Any]], dict[str, Any]]


def table_routes(
    make: _Make, megabytes: Callable[[Any], float], budget: float, parameter_servers: int
) -> dict[str, tuple[str, float]]:
    """Chooses a route for each table, the exact one where memory allows it.

    The largest tables leave first, until the others fit: to shards over the parameter servers, if
    there are any, which changes nothing in the model; then into compositional tables, which are
    small but let ids share their parts.

    Args:
        make: Makes the tables by name, with compositional ones in place of those it is given.
        megabytes: Memory of a table and its slots.
        budget: Memory of one host.
        parameter_servers: Number of hosts that tables can be sharded over.

    Returns:
        Route and memory on each host that holds it, by name of the table.
    """
    composed: dict[str, Any] = {}
    sharded: set[str] = set()
    tables = make(composed)

    def on_host(name: str) -> float:
        return megabytes(tables[name]) / (parameter_servers if name in sharded else 1)

    def fits() -> bool:
        return sum(map(on_host, tables)) <= budget

    largest = sorted(tables, key=lambda name: (-megabytes(tables[name]), name))
    for name in largest if parameter_servers > 1 else ():
        if fits():
            break
        sharded.add(name)
    for name in largest:
        table = tables[name]
        # Linear weights are composed with the vectors of their field.
        if fits() or name.endswith("/linear") or not isinstance(table, DenseTable):
            continue
        small = QuotientRemainderTable(table.rows, table.dim)
        if megabytes(small) < megabytes(table):
            composed[name] = small
            tables = make(composed)
            sharded -= {one for one in tables if isinstance(tables[one], QuotientRemainderTable)}
    dense = make({})
    return {
        name: (_route(name, dense[name], table, sharded), on_host(name))
        for name, table in tables.items()
    }


def _route(name: str, dense: Tensor, table: Any, sharded: set[str]) -> str:
    if type(table) is not type(dense):
        return "compositional"
    return "sharded" if name in sharded else "one host"
