"""Records to events on the workers of Beam."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines.beam.event_settings import EventSettings
from pipelines.beam.line_number import line_number
from pipelines.beam.open_stream import open_stream
from pipelines.beam.parse_event import parse_event
from pipelines.beam.split_line import split_line
from pipelines.readers.choose_format import choose_format
from pipelines.readers.typed_value import typed_value


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
                raise ValueError(
                    f'{place} Correct it, or skip such rows: on_bad_row = "skip".'
                ) from error
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
        text = self._settings.format == "csv"
        typed = {
            name: typed_value(name, row.get(name), dtype, from_text=text)
            for name, dtype in self._settings.dtypes.items()
        }
        return parse_event(typed, self._settings)
