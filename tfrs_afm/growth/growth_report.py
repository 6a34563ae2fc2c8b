"""What a carry-over did."""

import dataclasses

from tfrs_afm.growth.carried_table import CarriedTable
from tfrs_afm.growth.carried_variable import CarriedVariable


@dataclasses.dataclass(frozen=True)
class GrowthReport:
    """What `carry_over` carried over, and what it did not; print it for a table.

    Attributes:
        tables: One entry a table, those that only the old model had at the end.
        variables: One entry for each other variable, likewise.
        optimizer: What became of the optimizer's state.
    """

    tables: list[CarriedTable]
    variables: list[CarriedVariable]
    optimizer: str

    def __str__(self) -> str:
        names = [*(table.name for table in self.tables), *(one.name for one in self.variables)]
        width = max([len("variable"), *map(len, names)])
        lines = [f"{'table':{width}} {'carried':>12} {'new':>12} {'dropped':>12}  slots, notes"]
        for table in self.tables:
            rows = f"{table.carried:>12,} {table.new:>12,} {table.dropped:>12,}"
            lines.append(f"{table.name:{width}} {rows}  {_remarks(table)}".rstrip())
        lines.append(f"{'variable':{width}} {'carried':>12}  slots, notes")
        for one in self.variables:
            carried = "yes" if one.carried else "no"
            lines.append(f"{one.name:{width}} {carried:>12}  {_remarks(one)}".rstrip())
        return "\n".join([*lines, f"optimizer: {self.optimizer}"])


def _remarks(entry: CarriedTable | CarriedVariable) -> str:
    return "; ".join(part for part in (", ".join(entry.slots), entry.note) if part)
