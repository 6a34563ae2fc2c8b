"""Tables as text, row by row."""

import csv
import io
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.readers.bad_rows import InvalidRow, missing_column
from pipelines.readers.formats import FormatOptions
from pipelines.readers.text_files import open_text

Record = tuple[int, list[str] | ValueError]
"""The line that a row begins in, and its cells or what is wrong with them."""


class CsvFormat:
    """CSV: quoted cells, ends of line inside them, lists in cells, missing values.

    Blank lines are passed over. Cells are text; what type they should have is not known here.
    This is the definition of the format, and what names a bad row; `CsvBlocks` reads the same in
    less time.

    Args:
        options: Names, delimiter, lists and missing values.
        first: The first file, whose header gives the columns. Other files may have them in
            another order, and may have more.

    Attributes:
        options: As given.
        columns: The columns.
        names: The features: the columns, and the weights of those that hold pairs.
        sources: Feature -> its column.
    """

    unit = "line"

    def __init__(self, options: FormatOptions, first: Path) -> None:
        self.options = options
        self._missing = frozenset(options.missing)
        self.columns: tuple[str, ...] = options.names or self._header(first)
        for name in (*options.lists, *options.pairs):
            if name not in self.columns:
                raise missing_column(name, first, self.columns)
        self.sources = {name: name for name in self.columns}
        for name in options.pairs:
            if self.sources.setdefault(weights_of(name), name) != name:
                raise ValueError(
                    f"`pairs` must leave the name '{weights_of(name)}' free, for the weights. "
                    f"Received: a column of that name in {first}. Rename it."
                )
        self.names = tuple(self.sources)

    def records(self, path: Path) -> Iterator[Record]:
        """Yields the cells of each row, in the order of `columns`, with the line it begins in."""
        empty = True
        with open_text(path, self.options) as file, _text(file) as text:
            reader = self.reader(text)
            for record in self.rows(reader, self.columns_of(path, reader)):
                empty = False
                yield record
        if empty:
            raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")

    def reader(self, lines: Iterable[str]) -> Any:
        """Returns what cuts lines of text into cells."""
        return _Reader(lines, self.options)

    def columns_of(self, path: Path, reader: Any) -> tuple[str, ...]:
        """Reads past the header of a file and returns its columns, in the order of the file.

        Raises:
            ValueError: If there is no header where there must be one, or it lacks a column.
        """
        if not self.options.header:
            return self.columns
        columns = _read_header(path, reader, replaced=self.options.names is not None)
        if self.options.names is not None:
            return self.columns
        for name in self.columns:
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
                yield line, _no_row(error)
            else:
                if len(cells) == width:
                    yield line, arrange(cells)
                elif cells:
                    problem = f"A row must have {width} cells. Received: {len(cells)} cells"
                    yield line, ValueError(problem)
            line = reader.line_num + 1

    def row(self, record: list[str]) -> dict[str, Any]:
        """Makes a row of text, lists of text, and None."""
        check_text(record, self.options.encoding)
        if not self.options.lists:
            pairs = zip(self.columns, record, strict=True)
            return {name: None if cell in self._missing else cell for name, cell in pairs}
        cells = dict(zip(self.columns, record, strict=True))
        return {name: self.value(name, cells[source]) for name, source in self.sources.items()}

    def value(self, name: str, cell: str) -> Any:
        """Makes a text of a cell, or a list of texts where the column holds lists, or None.

        Args:
            name: The feature.
            cell: That of its column.
        """
        source = self.sources[name]
        separator = self.options.lists.get(source)
        if separator is None:
            return None if cell in self._missing else cell
        values = [] if cell in self._missing else cell.split(separator)
        kept = [value for value in values if value not in self._missing]
        between = self.options.pairs.get(source)
        if between is None:
            return kept
        return [split_pair(value, between)[name != source] for value in kept]

    def _header(self, path: Path) -> tuple[str, ...]:
        with open_text(path, self.options) as file, _text(file) as text:
            return _read_header(path, self.reader(text))

    def _arrangement(self, columns: tuple[str, ...]) -> Callable[[Any], list[str]]:
        """Returns what puts the cells of a file into our order."""
        if columns == self.columns:
            return list
        places = [columns.index(name) for name in self.columns]
        if len(places) == 1:
            return lambda cells: [cells[places[0]]]
        pick = operator.itemgetter(*places)
        return lambda cells: list(pick(cells))


class _Reader:
    """What cuts lines into cells, with a limit of its own; that of `csv` is the process's."""

    def __init__(self, lines: Iterable[str], options: FormatOptions) -> None:
        self._cells = csv.reader(
            lines,
            delimiter=options.separator,
            quoting=csv.QUOTE_MINIMAL if options.quoting else csv.QUOTE_NONE,
            strict=True,
        )
        self._most = options.max_cell_size

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        limit = csv.field_size_limit(self._most)
        try:
            return next(self._cells)
        finally:
            csv.field_size_limit(limit)

    @property
    def line_num(self) -> int:
        """How many lines were taken."""
        return self._cells.line_num


def _text(file: Any) -> io.TextIOWrapper:
    # A byte that is no UTF-8 must spoil its own row only, so it is found in the row.
    return io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")


def weights_of(name: str) -> str:
    """Returns what the weights of ids are called, in CSV as in libsvm.

    Example:
        >>> weights_of("tags")
        'tags_vals'
    """
    return f"{name}_vals"


def split_pair(value: str, separator: str) -> tuple[str, str]:
    """Returns id and weight of a text; without a weight it is 1.

    Example:
        >>> split_pair("a:b:0.5", ":"), split_pair("a", ":")
        (('a:b', '0.5'), ('a', '1'))
    """
    before, found, weight = value.rpartition(separator)
    return (before, weight) if found else (value, "1")


def _no_row(error: csv.Error) -> ValueError:
    problem = f"A row must be CSV. Received: {error}"
    if "larger" not in str(error):
        return ValueError(problem)
    return InvalidRow(problem, "Close its quote, or raise max_cell_size.", at_fault=True)


def _read_header(path: Path, reader: Any, *, replaced: bool = False) -> tuple[str, ...]:
    """Reads the line of names, behind blank lines and comments."""
    try:
        names: list[str] = next(filter(None, reader), [])
        if replaced:
            return ()
        check_text(names)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"`{path}` must begin with a line of names. Received: {error}.") from error
    if not names or len(set(names)) != len(names):
        raise ValueError(
            f"`{path}` must begin with a line of different names. Received: {names}. "
            "Give `names`, and header = false if the file has no header."
        )
    return tuple(names)


def check_text(cells: Sequence[str], encoding: str = "UTF-8") -> None:
    """Refuses cells whose bytes were not of the encoding.

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
        raise ValueError(f"A cell must be {encoding.upper()}. Received: {shown!r}") from error
