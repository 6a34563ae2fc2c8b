"""Lines and records of files to events, on the workers of Beam."""

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import apache_beam as beam
from apache_beam.io.filebasedsource import FileBasedSource
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipelines.events.event import parse_event
from pipelines.events.settings import EventSettings
from pipelines.readers.bad_rows import advice
from pipelines.readers.files import decompressed
from pipelines.readers.read_rows import choose_format
from pipelines.readers.values import typed_value


class ParseRecords(beam.DoFn):
    """Makes `(user, event)` of `(file, offset, record)`; a bad record goes to the output `bad`.

    There it is `(file, offset, message)`, if such rows are to be skipped; otherwise it ends the
    run. The offset of a record that is no line is -1.

    Args:
        settings: The log. For CSV, `names` has the columns.
        header: CSV: the first line of each file, which is no row.
    """

    BAD = "bad"

    def __init__(self, settings: EventSettings, header: Sequence[str] | None) -> None:
        super().__init__()
        self._settings = settings
        self._header = header

    def setup(self) -> None:
        """Makes the parser, once a worker."""
        if self._settings.format != "parquet":  # whose records are rows already
            self._form = choose_format(self._settings.options, Path())

    def process(self, element: tuple[str, int, Any]) -> Iterator[Any]:
        """Parses a record."""
        file, offset, record = element
        try:
            if offset >= 0:
                record = self._cut(file, offset, record)
            if record is not None:
                yield self._event(record)
        except ValueError as error:
            if self._settings.on_bad_row == "error":
                place = self.place(str(error), file, offset)
                raise ValueError(f"{place} {advice(error, may_skip=True)}") from error
            yield beam.pvalue.TaggedOutput(self.BAD, (file, offset, str(error)))

    @staticmethod
    def place(problem: str, file: str, offset: int) -> str:
        """Says where a bad row is; counts the lines before it, so for a few rows only."""
        if offset < 0:
            return f"{problem} in {file}."
        with open_stream(file) as stream:
            return f"{problem} in {file}, line {line_number(stream, offset)}."

    def _cut(self, file: str, offset: int, line: bytes) -> Any:
        """Returns the record in a line, or None for a blank line or the header."""
        if line.isspace():
            return None
        if self._settings.format != "csv":
            return line
        cells = split_line(line, self._settings.delimiter)
        names = self._settings.names or ()
        if self._header is not None and not offset:
            if cells != list(self._header):
                raise RuntimeError(
                    f"`{file}` must begin with the columns of the first file, "
                    f"{', '.join(self._header)}. Received: {', '.join(cells)}."
                )
            return None
        if len(cells) != len(names):
            raise ValueError(f"A row must have {len(names)} cells. Received: {len(cells)} cells")
        return cells

    def _event(self, record: Any) -> Any:
        row = record if self._settings.format == "parquet" else self._form.row(record)
        decimal = self._settings.decimal if self._settings.format == "csv" else None
        typed = {
            name: typed_value(name, row.get(name), dtype, decimal=decimal)
            for name, dtype in self._settings.dtypes.items()
        }
        return parse_event(typed, self._settings)


class LineSource(FileBasedSource):
    """Reads `(file, offset, line)`: where Beam's own text source tells no place of a line.

    A large file is read in ranges by several workers; a compressed one by one worker.

    Args:
        file_pattern: Files, of any file system of Beam.
    """

    def read_records(
        self, file_name: str, offset_range_tracker: Any
    ) -> Iterator[tuple[str, int, bytes]]:
        """Yields the lines that begin in a range of bytes."""
        offset = offset_range_tracker.start_position()
        with open_stream(file_name) as file:
            if offset:
                # A line belongs to the range of its first byte: pass over the rest of one that
                # begins before.
                file.seek(offset - 1)
                offset += len(file.readline()) - 1
            while offset_range_tracker.try_claim(offset):
                line = file.readline()
                if not line:
                    return
                yield file_name, offset, line
                offset += len(line)


def line_number(stream: IO[bytes], offset: int) -> int:
    r"""Returns the line, from one on, that a byte offset is in.

    Lines are numbered only when one is to be named: files are read in ranges of bytes, and who
    reads a range does not know how many lines are before it.

    Args:
        stream: The file, at its start.
        offset: Bytes before the line, after decompression.

    Example:
        >>> import io
        >>> line_number(io.BytesIO(b"a\nb\nc\n"), 2)
        2
    """
    lines = 1
    while offset > 0:
        block = stream.read(min(offset, 1 << 20))
        if not block:
            break
        lines += block.count(b"\n")
        offset -= len(block)
    return lines


def split_line(line: bytes, delimiter: str) -> list[str]:
    r"""Returns the cells of a line; none for a blank one.

    Files are cut at ends of line before anything is known of quotes, so that several workers can
    read one file. Therefore a quoted cell cannot hold an end of line here.

    Args:
        line: A line, with or without its end.
        delimiter: What separates cells.

    Returns:
        Text, with bytes that are no UTF-8 as lone surrogates.

    Raises:
        ValueError: If a quote is not closed or stands in a wrong place.

    Example:
        >>> split_line(b'7,"Heat, 1995"\r\n', ",")
        ['7', 'Heat, 1995']
    """
    text = line.decode("utf-8-sig", errors="surrogateescape").rstrip("\r\n")
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise ValueError(f"A row must be CSV on one line. Received: {error}") from error


@contextlib.contextmanager
def open_stream(file: str) -> Iterator[IO[bytes]]:
    """Opens a file of any file system of Beam; its last ending says how it is compressed.

    Decompressed by Python and not by Beam, which takes a file that is cut off for a whole one.

    Args:
        file: The file, see `decompressed`.

    Yields:
        Its bytes.

    Raises:
        ValueError: If the file is cut off or damaged; also while the block reads it.
    """
    with (
        FileSystems.open(file, compression_type=CompressionTypes.UNCOMPRESSED) as raw,
        decompressed(raw, file) as stream,
    ):
        yield stream
