"""Tables as text, in blocks."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from pipelines.readers.arrow import Array, flat_text, pa, pa_csv
from pipelines.readers.bad_rows import BadRows
from pipelines.readers.blocks import BLOCK, Columns, RowParser
from pipelines.readers.csv_format import CsvFormat, Record, check_text
from pipelines.readers.formats import FormatOptions
from pipelines.readers.text_files import open_text
from pipelines.readers.values import Wanted

_PIECE = 1 << 18  # bytes that are parsed at once
_FEW = 32  # rows that are looked at one by one, rather than halved again, to find a bad one
_MARK = "\ufeff".encode()
_FAULT = "fault of the row"  # beside the features: None, or what `BadRows.add` takes


class CsvBlocks:
    """Reads CSV through Arrow, and what Arrow would refuse or read otherwise through `CsvFormat`.

    A piece of a file goes to Arrow if it is sure that both cut it into the same cells; so does a
    column of numbers if both make the same of its characters. A bad row keeps its place until its
    batch is made, so that batches are the same whether it is read again or skipped.

    Args:
        form: Reads single rows.
        wanted: What is read of each row.
        bad_rows: What becomes of a row that does not fit.
    """

    def __init__(self, form: CsvFormat, wanted: Sequence[Wanted], bad_rows: BadRows) -> None:
        self._form = form
        self._wanted = wanted
        self._columns_read = sorted({form.sources[one.name] for one in wanted})
        self._bad_rows = bad_rows
        self._parser = RowParser(wanted, bad_rows, form.unit, decimal=form.options.decimal)

    def check(self, path: Path) -> None:
        """Reads the first row of a file.

        Raises:
            ValueError: If there is none, or the file lacks a column.
        """
        next(self._form.records(path))

    def read(self, path: Path, every: int, first: int) -> Iterator[Columns]:
        """Yields every `every`-th row, from row `first` on, in blocks."""
        number, waiting = 0, None
        for part in self._parts(path):
            rows = part.take(slice((first - number) % every, None, every))
            number += len(part)
            # Blocks of all text formats are of one size, as the order of an epoch depends on it.
            joined = rows if waiting is None else Columns.join([waiting, rows])
            whole = len(joined) - len(joined) % BLOCK
            for start in range(0, whole, BLOCK):
                yield joined.take(slice(start, start + BLOCK))
            waiting = joined.take(slice(whole, None))
        if waiting is not None and len(waiting):
            yield waiting

    join = staticmethod(Columns.join)

    @staticmethod
    def take(block: Columns, rows: Any) -> Columns:
        """Returns some of a block's rows."""
        return block.take(rows)

    def columns(self, block: Columns) -> Columns:
        """Returns the rows of a block that fit.

        Raises:
            ValueError: If a row does not, and that is an error.
        """
        faults = block.dense[_FAULT]
        bad = faults.astype(bool)
        for fault in faults[bad]:
            self._bad_rows.add(*fault)
        return block.take(~bad) if bad.any() else block

    def _parts(self, path: Path) -> Iterator[Columns]:
        """Yields all rows, those that do not fit as well."""
        options = self._form.options
        with open_text(path, options) as file:
            lines = _Lines(file)
            reader = self._form.reader(lines)
            columns = self._form.columns_of(path, reader)
            ahead = 0  # lines that the reader did not see
            while True:
                if lines.at_end:
                    piece = _piece(file, options)
                    if not piece:
                        return
                    found = self._parsed(piece, columns)
                    if found is not None:
                        cells, numbers = found
                        line = reader.line_num + ahead + 1
                        ahead += piece.count(b"\n")
                        if len(numbers):
                            yield self._columns(path, cells, numbers + line)
                        continue
                    lines.put(piece)
                records: list[Record] = []
                for line, row in self._form.rows(reader, columns):
                    records.append((line + ahead, row))
                    if lines.at_end:
                        break
                if records:
                    yield self._from_records(path, records)

    def _parsed(
        self, piece: bytes, columns: tuple[str, ...]
    ) -> tuple[dict[str, Any], Array] | None:
        """Returns the cells of a piece and the lines that its rows begin in, from 0."""
        options = self._form.options
        numbers = _row_lines(piece, options)
        if numbers is None or not len(numbers):
            return None if numbers is None else ({}, numbers)
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(piece),
                pa_csv.ReadOptions(
                    use_threads=False, block_size=len(piece) + 1, column_names=columns
                ),
                pa_csv.ParseOptions(
                    delimiter=options.separator,
                    quote_char='"' if options.quoting else False,
                    newlines_in_values=options.quoting,
                ),
                # As text, whole: what a number is and what is missing is decided afterwards.
                pa_csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(self._columns_read, pa.string()),
                    include_columns=self._columns_read,
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:  # too many cells in a row, or too few
            return None
        if table.num_rows != len(numbers):
            return None
        read = {name: table.column(name).combine_chunks() for name in self._columns_read}
        return read, numbers

    def _columns(self, path: Path, cells: Mapping[str, Any], numbers: Array) -> Columns:
        """Converts rows of cells; only where that fails, one by one."""
        try:
            flat = {
                one.key: flat_text(
                    cells[self._form.sources[one.name]],
                    one.read_dtype,
                    self._form.options,
                    self._form.sources[one.name],
                    weights=one.name not in self._form.columns,
                )
                for one in self._wanted
            }
            return _with_faults(self._parser.columns(flat), np.full(len(numbers), None))
        except ValueError:  # also what Arrow raises
            if len(numbers) <= _FEW:
                return self._one_by_one(path, cells, numbers)
        half = len(numbers) // 2
        first = {name: column.slice(0, half) for name, column in cells.items()}
        second = {name: column.slice(half) for name, column in cells.items()}
        return Columns.join(
            [
                self._columns(path, first, numbers[:half]),
                self._columns(path, second, numbers[half:]),
            ]
        )

    def _one_by_one(self, path: Path, cells: Mapping[str, Any], numbers: Array) -> Columns:
        faults = np.full(len(numbers), None)
        columns = {name: column.to_pylist() for name, column in cells.items()}
        texts = {one.name: columns[self._form.sources[one.name]] for one in self._wanted}
        rows = []
        for place, number in enumerate(numbers.tolist()):
            row = {name: self._form.value(name, column[place]) for name, column in texts.items()}
            try:
                self._parser.convert([row])
            except ValueError as error:
                faults[place] = (path, number, error, self._form.unit)
            else:
                rows.append(row)
        return _with_faults(self._parser.convert(rows), faults)

    def _from_records(self, path: Path, records: Sequence[Record]) -> Columns:
        faults = np.full(len(records), None)
        rows, numbers = [], []
        for place, (number, cells) in enumerate(records):
            try:
                if isinstance(cells, ValueError):
                    raise cells
                check_text(cells, self._form.options.encoding)
            except ValueError as error:
                faults[place] = (path, number, error, self._form.unit)
            else:
                rows.append(cells)
                numbers.append(number)
        columns = dict(zip(self._form.columns, zip(*rows, strict=True), strict=False))
        texts = {name: pa.array(columns.get(name, ()), pa.string()) for name in self._columns_read}
        good = self._columns(path, texts, np.array(numbers, np.int64))
        places = np.flatnonzero(~faults.astype(bool))
        faults[places] = good.dense[_FAULT]
        return _with_faults(good.spread(places, len(records)), faults)


def _with_faults(columns: Columns, faults: Array) -> Columns:
    """Puts rows that fit where they belong, with what is wrong with those between them."""
    if len(columns) != len(faults):
        columns = columns.spread(np.flatnonzero(~faults.astype(bool)), len(faults))
    columns.dense[_FAULT] = faults
    return columns


class _Lines:
    """The lines of a file for `csv.reader`, which takes no more of them than it needs."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.put(file.readline())

    def put(self, piece: bytes) -> None:
        """Gives what was read of the file already."""
        text = piece.decode("utf-8", "surrogateescape")
        self._text, self._size = io.StringIO(text, newline=""), len(text)

    @property
    def at_end(self) -> bool:
        """Whether all lines are taken that were read."""
        return self._text.tell() == self._size

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at_end:
            self.put(self._file.readline())
        line = self._text.readline()
        if not line:
            raise StopIteration
        return line


def _piece(file: IO[bytes], options: FormatOptions) -> bytes:
    """Reads to an end of line that is in no quoted cell, if there is one soon."""
    parts = [file.read(_PIECE) + file.readline()]
    open_quote = options.quoting and b'"' in parts[0] and parts[0].count(b'"') % 2
    more = options.max_cell_size
    while open_quote and more > 0 and (line := file.readline()):
        parts.append(line)
        open_quote ^= line.count(b'"') % 2
        more -= len(line)
    return b"".join(parts)


def _row_lines(piece: bytes, options: FormatOptions) -> Array | None:
    """Finds the rows of whole lines of CSV.

    Returns:
        The line of each row, from 0; None where it is not sure that Python and Arrow find the
        same cells: if a quote stands where CSV has none, a line ends in a bare carriage return,
        a row may have a cell that is too long for Python, something is no UTF-8, or the piece
        begins with a byte order mark, which Arrow would drop.
    """
    delimiter = options.separator
    if not "\0" < delimiter < "\x80" or piece.startswith(_MARK):
        return None
    if b"\r" in piece and piece.count(b"\r") != piece.count(b"\r\n"):
        return None
    try:
        if not piece.isascii():
            piece.decode()
    except UnicodeDecodeError:
        return None
    characters = np.frombuffer(piece, np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    lines = np.arange(len(ends))
    if options.quoting and b'"' in piece:
        quotes = np.flatnonzero(characters == ord('"'))
        # With an end of line around, so that there is something before and behind each quote.
        around = np.concatenate([[ord("\n")], characters, [ord("\n")]])
        border = np.isin(np.arange(256), [ord(one) for one in ('"', "\n", delimiter)])
        before = border[around[quotes[::2]]]
        border[ord("\r")] = True
        if len(quotes) % 2 or not (before.all() and border[around[quotes[1::2] + 2]].all()):
            return None
        outside = np.searchsorted(quotes, ends) % 2 == 0
        ends, lines = ends[outside], lines[outside]
    if not piece.endswith(b"\n"):
        ends, lines = np.append(ends, len(piece)), np.append(lines, 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    if lengths.max(initial=0) > options.max_cell_size:
        return None
    blank = lengths == 0
    blank |= (lengths == 1) & (characters[np.minimum(starts, len(piece) - 1)] == ord("\r"))
    return np.concatenate([[0], lines[:-1] + 1])[~blank]
