"""What became of one table."""

import dataclasses


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
