"""Tables as text."""

import contextlib
import csv
import io
import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.readers.bad_rows import missing_column
from pipelines.readers.files import open_bytes
from pipelines.readers.formats import Arrays, FormatOptions
from pipelines.readers.values import Wanted, quick_column


class CsvFormat:
    """CSV in UTF-8: quoted cells, ends of line inside them, lists in cells, missing values.

    Blank lines are passed over. Cells are text; what type they should have is not known here.

    Args:
        options: Names, delimiter, lists and missing values.
        first: The first file, whose header gives the columns. Other files may have them in
            another order, and may have more.

    Attributes:
        names: The columns.
    """

    unit = "line"

    def __init__(self, options: FormatOptions, first: Path) -> None:
        self._options = options
        self._missing = frozenset(options.missing)
        self.names: tuple[str, ...] = options.names or self._header(first)
        for name in options.lists:
            if name not in self.names:
                raise missing_column(name, first, self.names)

    def records(self, path: Path) -> Iterator[tuple[int, list[str] | ValueError]]:
        """Yields the cells of each row, in the order of `names`, with the line it begins in."""
        with self._open(path) as reader:
            arrange, width = self._arrangement(path, reader)
            empty, line = True, reader.line_num + 1
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    yield line, ValueError(f"A row must be CSV. Received: {error}")
                    empty, line = False, reader.line_num + 1
                    continue
                if len(cells) == width:
                    yield line, arrange(cells)
                elif cells:
                    problem = f"A row must have {width} cells. Received: {len(cells)} cells"
                    yield line, ValueError(problem)
                empty, line = empty and not cells, reader.line_num + 1
        if empty:
            raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")

    def arrays(self, records: Sequence[Any], wanted: Sequence[Wanted]) -> Arrays | None:
        """Turns rows of cells into columns of cells, and each of those into an array."""
        if any(isinstance(cells, ValueError) for cells in records):
            return None
        try:
            _check_text(list(itertools.chain.from_iterable(records)))
        except ValueError:
            return None
        columns = dict(zip(self.names, zip(*records, strict=True), strict=True))
        arrays: Arrays = {}
        for one in wanted:
            flat, lengths = self._flat(columns[one.name], self._options.lists.get(one.name))
            array = quick_column(flat, one.dtype, from_text=True)
            if array is None:
                return None
            arrays[one.key] = (array, np.array(lengths, np.int64))
        return arrays

    def row(self, record: list[str]) -> dict[str, Any]:
        """Makes a row of text, lists of text, and None."""
        _check_text(record)
        missing = self._missing
        row: dict[str, Any] = {
            name: None if cell in missing else cell
            for name, cell in zip(self.names, record, strict=True)
        }
        for name, separator in self._options.lists.items():
            cell = row[name]
            values = [] if cell is None else cell.split(separator)
            row[name] = [value for value in values if value not in missing]
        return row

    def _flat(self, cells: Sequence[str], separator: str | None) -> tuple[list[str], list[int]]:
        """Returns the values of a column that are there, and the number of each cell's."""
        missing = self._missing
        flat = [cell for cell in cells if cell not in missing]
        if separator is None:
            if len(flat) == len(cells):
                return flat, [1] * len(cells)
            return flat, [cell not in missing for cell in cells]
        if len(separator) == 1 and flat:  # one split for all cells is quicker
            values = separator.join(flat).split(separator)
            if missing.isdisjoint(values):
                counts = [0 if cell in missing else cell.count(separator) + 1 for cell in cells]
                return values, counts
        lists = [[] if cell in missing else cell.split(separator) for cell in cells]
        kept = [[value for value in values if value not in missing] for values in lists]
        return [value for values in kept for value in values], list(map(len, kept))

    @contextlib.contextmanager
    def _open(self, path: Path) -> Iterator[Any]:
        with open_bytes(path) as file:
            # A byte that is no UTF-8 must spoil its own row only, so it is found in the row.
            text = io.TextIOWrapper(
                file, encoding="utf-8-sig", errors="surrogateescape", newline=""
            )
            yield csv.reader(text, delimiter=self._options.delimiter, strict=True)

    def _header(self, path: Path) -> tuple[str, ...]:
        with self._open(path) as reader:
            return _read_header(path, reader)

    def _arrangement(self, path: Path, reader: Any) -> tuple[Callable[[Any], list[str]], int]:
        """Passes over the header; returns what puts cells into our order, and their number."""
        if not self._options.header:
            return list, len(self.names)
        if self._options.names is not None:
            next(reader, None)
            return list, len(self.names)
        header = _read_header(path, reader)
        if header == self.names:
            return list, len(header)
        for name in self.names:
            if name not in header:
                raise missing_column(name, path, header)
        places = [header.index(name) for name in self.names]
        if len(places) == 1:
            return lambda cells: [cells[places[0]]], len(header)
        pick = operator.itemgetter(*places)
        return lambda cells: list(pick(cells)), len(header)


def _read_header(path: Path, reader: Any) -> tuple[str, ...]:
    try:
        names: list[str] = next(reader, [])
        _check_text(names)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"`{path}` must begin with a line of names. Received: {error}.") from error
    if not names or len(set(names)) != len(names):
        raise ValueError(
            f"`{path}` must begin with a line of different names. Received: {names}. "
            "Give `names`, and header = false if the file has no header."
        )
    return tuple(names)


def _check_text(cells: Sequence[str]) -> None:
    text = "".join(cells)
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as error:
        bad = next(cell for cell in cells if text[error.start] in cell)
        shown = bad.encode(errors="surrogateescape")
        raise ValueError(f"A cell must be UTF-8. Received: {shown!r}") from error
