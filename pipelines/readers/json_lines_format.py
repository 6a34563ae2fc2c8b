"""One JSON object a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.readers.open_bytes import open_bytes


class JsonLinesFormat:
    """JSON lines in UTF-8: an object a line, whose keys are the features.

    Blank lines are passed over. null and an absent key both mean that there is no value.
    """

    unit = "line"
    names: tuple[str, ...] | None = None

    def records(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yields each line that is not blank."""
        empty = True
        with open_bytes(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.isspace():
                    empty = False
                    yield number, line
        if empty:
            raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")

    def row(self, record: bytes) -> dict[str, Any]:
        """Reads one object."""
        try:
            row = json.loads(record, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"A line must be JSON. Received: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"A line must be a JSON object. Received: {type(row).__name__}")
        return row


def _refuse(word: str) -> None:
    raise ValueError(f"{word}, which is no number")
