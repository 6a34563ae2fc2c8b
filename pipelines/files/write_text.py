"""Writes a text file whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` under a temporary name, flushes it and renames it into place.

    Args:
        path: The file; one that is there already is replaced. Its parents are made.
        text: What to write, as UTF-8.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "metrics.json"
        >>> write_text(path, "{}")
        >>> path.read_text()
        '{}'
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    try:
        # A file made inside the private folder gets the user's usual mode, unlike mkstemp's.
        with (partial / path.name).open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        (partial / path.name).replace(path)
    finally:
        (partial / path.name).unlink(missing_ok=True)
        partial.rmdir()
