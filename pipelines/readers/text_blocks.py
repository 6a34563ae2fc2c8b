"""Lines of text, kept as they are until their batch is made."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.readers.bad_rows import BadRows
from pipelines.readers.columns import Columns
from pipelines.readers.missing_column import missing_column
from pipelines.readers.row_parser import RowParser
from pipelines.readers.text_format import TextFormat
from pipelines.readers.wanted import Wanted

_BLOCK = 256  # rows that travel together from a file to the shuffle


class TextBlocks:
    """Reads blocks of `(file, number, record)` and parses them a batch at a time.

    Args:
        form: Cuts files into records and makes rows of them.
        wanted: What is read of each row.
        bad_rows: What becomes of a row that does not fit.
        from_text: Whether numbers stand as text in a row.
    """

    def __init__(
        self, form: TextFormat, wanted: Sequence[Wanted], bad_rows: BadRows, *, from_text: bool
    ) -> None:
        self._form = form
        self._wanted = wanted
        self._bad_rows = bad_rows
        self._parser = RowParser(wanted, bad_rows, form.unit, from_text=from_text)

    def check(self, path: Path) -> None:
        """Reads the first record of a file.

        Raises:
            ValueError: If there is none, or it lacks what each row must have.
        """
        _, record = next(self._form.records(path))
        if isinstance(record, ValueError):
            return  # a bad row, not a bad file
        try:
            row = self._form.row(record)
        except ValueError:
            return
        for one in self._wanted:
            if one.shape is not None and one.default is None and one.name not in row:
                raise missing_column(one.name, path, row)

    def read(self, path: Path, every: int, first: int) -> Iterator[list[Any]]:
        """Yields every so many-th record, from the first on, in blocks."""
        records = itertools.islice(self._form.records(path), first, None, every)
        while block := [(path, number, it) for number, it in itertools.islice(records, _BLOCK)]:
            yield block

    @staticmethod
    def join(blocks: Sequence[list[Any]]) -> list[Any]:
        """Puts blocks one after the other."""
        return list(itertools.chain.from_iterable(blocks))

    @staticmethod
    def take(block: list[Any], rows: Any) -> list[Any]:
        """Returns some of a block's records."""
        return block[rows] if isinstance(rows, slice) else [block[row] for row in rows]

    def columns(self, block: list[Any]) -> Columns:
        """Parses records.

        Raises:
            ValueError: If a row is bad and that is an error.
        """
        arrays = self._form.arrays([record for _, _, record in block], self._wanted)
        if arrays is not None:
            with contextlib.suppress(ValueError):  # a bad row, which is found below
                return self._parser.columns(arrays)
        rows, places = [], []
        for path, number, record in block:
            try:
                if isinstance(record, ValueError):
                    raise record
                rows.append(self._form.row(record))
            except ValueError as error:
                self._bad_rows.add(path, number, str(error), self._form.unit)
            else:
                places.append((path, number))
        return self._parser.parse(rows, places)
