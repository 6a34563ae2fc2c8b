"""Tables as text, row by row."""

import csv
import io
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.readers.bad_rows import missing_column
from pipelines.readers.files import open_bytes
from pipelines.readers.formats import FormatOptions

Record = tuple[int, list[str] | ValueError]
"""The line that a row begins in, and its cells or what is wrong with them."""


class CsvFormat:
    """CSV in UTF-8: quoted cells, ends of line inside them, lists in cells, missing values.

    Blank lines are passed over. Cells are text; what type they should have is not known here.
    This is the definition of the format, and what names a bad row; `CsvBlocks` reads the same in
    less time.

    Args:
        options: Names, delimiter, lists and missing values.
        first: The first file, whose header gives the columns. Other files may have them in
            another order, and may have more.

    Attributes:
        options: As given.
        names: The columns.
    """

    unit = "line"

    def __init__(self, options: FormatOptions, first: Path) -> None:
        self.options = options
        self._missing = frozenset(options.missing)
        self.names: tuple[str, ...] = options.names or self._header(first)
        for name in options.lists:
            if name not in self.names:
                raise missing_column(name, first, self.names)

    def records(self, path: Path) -> Iterator[Record]:
        """Yields the cells of each row, in the order of `names`, with the line it begins in."""
        empty = True
        with open_bytes(path) as file, _text(file) as text:
            reader = self.reader(text)
            for record in self.rows(reader, self.columns_of(path, reader)):
                empty = False
                yield record
        if empty:
            raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")

    def reader(self, lines: Iterable[str]) -> Any:
        """Returns what cuts lines of text into cells."""
        return csv.reader(lines, delimiter=self.options.delimiter, strict=True)

    def columns_of(self, path: Path, reader: Any) -> tuple[str, ...]:
        """Reads past the header of a file and returns its columns, in the order of the file.

        Raises:
            ValueError: If there is no header where there must be one, or it lacks a column.
        """
        if not self.options.header:
            return self.names
        if self.options.names is not None:
            next(reader, None)
            return self.names
        columns = _read_header(path, reader)
        for name in self.names:
            if name not in columns:
                raise missing_column(name, path, columns)
        return columns

    def rows(self, reader: Any, columns: tuple[str, ...]) -> Iterator[Record]:
        """Yields the cells of the rows that follow, as `records` does."""
        arrange, width = self._arrangement(columns), len(columns)
        line = reader.line_num + 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, ValueError(f"A row must be CSV. Received: {error}")
            else:
                if len(cells) == width:
                    yield line, arrange(cells)
                elif cells:
                    problem = f"A row must have {width} cells. Received: {len(cells)} cells"
                    yield line, ValueError(problem)
            line = reader.line_num + 1

    def row(self, record: list[str]) -> dict[str, Any]:
        """Makes a row of text, lists of text, and None."""
        check_text(record)
        return {name: self.value(name, cell) for name, cell in zip(self.names, record, strict=True)}

    def value(self, name: str, cell: str) -> Any:
        """Makes a text of a cell, or a list of texts where the column holds lists, or None."""
        separator = self.options.lists.get(name)
        if separator is None:
            return None if cell in self._missing else cell
        values = [] if cell in self._missing else cell.split(separator)
        return [value for value in values if value not in self._missing]

    def _header(self, path: Path) -> tuple[str, ...]:
        with open_bytes(path) as file, _text(file) as text:
            return _read_header(path, self.reader(text))

    def _arrangement(self, columns: tuple[str, ...]) -> Callable[[Any], list[str]]:
        """Returns what puts the cells of a file into our order."""
        if columns == self.names:
            return list
        places = [columns.index(name) for name in self.names]
        if len(places) == 1:
            return lambda cells: [cells[places[0]]]
        pick = operator.itemgetter(*places)
        return lambda cells: list(pick(cells))


def _text(file: Any) -> io.TextIOWrapper:
    # A byte that is no UTF-8 must spoil its own row only, so it is found in the row.
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _read_header(path: Path, reader: Any) -> tuple[str, ...]:
    try:
        names: list[str] = next(reader, [])
        check_text(names)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"`{path}` must begin with a line of names. Received: {error}.") from error
    if not names or len(set(names)) != len(names):
        raise ValueError(
            f"`{path}` must begin with a line of different names. Received: {names}. "
            "Give `names`, and header = false if the file has no header."
        )
    return tuple(names)


def check_text(cells: Sequence[str]) -> None:
    """Refuses cells whose bytes were no UTF-8.

    Raises:
        ValueError: In the form that `BadRows.add` takes.
    """
    text = "".join(cells)
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as error:
        bad = next(cell for cell in cells if text[error.start] in cell)
        shown = bad.encode(errors="surrogateescape")
        raise ValueError(f"A cell must be UTF-8. Received: {shown!r}") from error
