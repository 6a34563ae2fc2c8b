"""One JSON object a line."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.readers.bad_rows import InvalidRow
from pipelines.readers.formats import Arrays, FormatOptions
from pipelines.readers.text_files import open_text
from pipelines.readers.values import Wanted, quick_column


def _refuse(word: str) -> None:
    fix = "Where there is no value, write null: NaN is no JSON."
    raise InvalidRow(f"{word}, which is no number", fix)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


class JsonLinesFormat:
    """JSON lines: an object a line, whose keys are the features.

    Blank lines are passed over. null and an absent key both mean that there is no value.

    Args:
        options: The encoding.
    """

    unit = "line"
    names: tuple[str, ...] | None = None

    def __init__(self, options: FormatOptions) -> None:
        self._options = options

    def records(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yields each line that is not blank."""
        empty = True
        with open_text(path, self._options) as file:
            for number, line in enumerate(file, start=1):
                if not line.isspace():
                    empty = False
                    yield number, line
        if empty:
            raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")

    def arrays(self, records: Sequence[Any], wanted: Sequence[Wanted]) -> Arrays | None:
        """Reads one object after the other and keeps its values only."""
        slots: list[tuple[str, list[Any], list[int]]] = [(one.name, [], []) for one in wanted]
        try:
            for record in records:
                # Thousands of rows kept at once would have Python look for garbage all the time.
                row = self.row(record)
                for name, flat, lengths in slots:
                    value = row.get(name)
                    if type(value) is list:
                        flat += value
                        lengths.append(len(value))
                    else:
                        lengths.append(value is not None)
                        if value is not None:
                            flat.append(value)
        except ValueError:
            return None
        arrays: Arrays = {}
        for one, (_, flat, lengths) in zip(wanted, slots, strict=True):
            array = quick_column(flat, one.read_dtype)
            if array is None:
                return None
            arrays[one.key] = (array, np.array(lengths, np.int64))
        return arrays

    def row(self, record: bytes) -> dict[str, Any]:
        """Reads one object."""
        try:
            row = _DECODER.decode(record.decode())
        except InvalidRow as error:
            raise InvalidRow(f"A line must be JSON. Received: {error}", error.fix) from error
        except (ValueError, RecursionError) as error:
            raise ValueError(f"A line must be JSON. Received: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"A line must be a JSON object. Received: {type(row).__name__}")
        return row
