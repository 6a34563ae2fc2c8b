"""The size of one table."""

import dataclasses


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
