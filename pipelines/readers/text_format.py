"""What formats of text can do besides."""

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from pipelines.readers.row_format import RowFormat
from pipelines.readers.wanted import Wanted

Arrays = dict[str, tuple[NDArray[Any], NDArray[Any]]]


class TextFormat(RowFormat, Protocol):
    """Makes arrays of many records at once, many times faster than row by row."""

    def arrays(self, records: Sequence[Any], wanted: Sequence[Wanted]) -> Arrays | None:
        """Converts many records at once, or returns None where each needs a look.

        What it converts, `row` and `typed_value` would convert to the same.

        Args:
            records: As `records` gives them.
            wanted: What is read of each.

        Returns:
            Key of what is wanted -> the values of all records, and the number of each record's.
        """
        ...
