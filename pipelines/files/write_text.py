"""Writes a text file whole or not at all."""

from pathlib import Path

from pipelines.files.atomic_file import atomic_file


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
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
