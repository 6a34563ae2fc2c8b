"""The sizes of all tables of a model."""

import dataclasses

from tfrs_afm.table_size import TableSize


@dataclasses.dataclass(frozen=True)
class TableSizes:
    """The sizes of all tables; print it for a table.

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
