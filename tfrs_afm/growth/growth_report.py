"""What a carry-over did."""

import dataclasses
from typing import Any

from tfrs_afm.frames import Tabular

_COUNTS = ("carried", "new", "dropped")


@dataclasses.dataclass(frozen=True)
class CarriedTable:
    """What became of the rows of one table.

    Attributes:
        name: Name of the table in the new model, in the old one if the new one has no such table.
        carried: Rows whose id the old model knew; they have its numbers.
        new: Rows whose id it did not know; they keep their initialisation.
        dropped: Rows of the old table whose id the new one does not have.
        slots: Optimizer slots that were carried over with the rows, by name.
        note: Why rows or slots were not carried over, and what else there is to know.
    """

    name: str
    carried: int
    new: int
    dropped: int
    slots: tuple[str, ...] = ()
    note: str = ""


@dataclasses.dataclass(frozen=True)
class CarriedVariable:
    """What became of one variable that is no table: attention, a tower's kernel, a bias.

    Attributes:
        name: Its place in the model, such as `task/interaction/_linear/bias`.
        carried: Whether it has numbers of the old model.
        slots: Optimizer slots that were carried over with it, by name.
        note: Why it was not carried over, and what else there is to know.
    """

    name: str
    carried: bool
    slots: tuple[str, ...] = ()
    note: str = ""


@dataclasses.dataclass(frozen=True)
class GrowthReport(Tabular):
    """What `carry_over` carried over, and what it did not; print it, or take `to_frame()`.

    Attributes:
        tables: One entry a table, those that only the old model had at the end.
        variables: One entry for each other variable, likewise.
        optimizer: What became of the optimizer's state.
    """

    tables: list[CarriedTable]
    variables: list[CarriedVariable]
    optimizer: str

    def _table(self) -> dict[str, Any]:
        entries: list[Any] = [*self.tables, *self.variables]
        rows = {name: [getattr(one, name, None) for one in entries] for name in _COUNTS}
        return {
            "name": [one.name for one in entries],
            "kind": ["table"] * len(self.tables) + ["variable"] * len(self.variables),
            **{name: [None if one is None else int(one) for one in rows[name]] for name in rows},
            "slots": [", ".join(one.slots) for one in entries],
            "note": [one.note for one in entries],
        }

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
