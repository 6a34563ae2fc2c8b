"""What every format of files can do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol


class RowFormat(Protocol):
    """Cuts files into records, which is quick, and makes a row of a record, which is not.

    A record is whatever the format hands from the one to the other: a line, cells, bytes. Where
    the cutting itself finds a fault, the record is the `ValueError` that says so.

    Attributes:
        unit: What the numbers of records count: `"line"` (from 1) or `"record"` (from 0).
    """

    unit: str

    @property
    def names(self) -> tuple[str, ...] | None:
        """The columns, where they are known before a row is read."""
        ...

    def records(self, path: Path) -> Iterator[tuple[int, Any]]:
        """Yields each record of a file with its number.

        Raises:
            ValueError: If the file as a whole cannot be read; the file is named.
        """
        ...

    def row(self, record: Any) -> dict[str, Any]:
        """Makes a row of a record.

        Raises:
            ValueError: If the record is bad: the rule and what was received, no full stop.
        """
        ...
