"""Which tables one host can hold, and where the others have to go."""

from collections.abc import Callable, Mapping
from typing import Any

from tfrs_afm.embeddings.dense_table import DenseTable
from tfrs_afm.embeddings.quotient_remainder_table import QuotientRemainderTable

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


def _route(name: str, dense: Any, table: Any, sharded: set[str]) -> str:
    if type(table) is not type(dense):
        return "compositional"
    return "sharded" if name in sharded else "one host"
