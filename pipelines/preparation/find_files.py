"""Paths and globs to files."""

import glob
from collections.abc import Sequence
from pathlib import Path


def find_files(patterns: Sequence[str], key: str) -> list[Path]:
    """Returns the files that paths and globs name, those of one glob by name.

    Args:
        patterns: Paths or globs.
        key: The key of the configuration that they are from, for an error.

    Returns:
        One file or more; one that two patterns name comes once.

    Raises:
        ValueError: If a pattern names no file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("x")
        >>> find_files([f"{path.parent}/*.csv"], "data.train") == [path]
        True
    """
    found: list[Path] = []
    for pattern in patterns:
        # A path may hold the characters of a glob, and is taken at its word first.
        paths = (
            [Path(pattern)] if Path(pattern).is_file() else sorted(map(Path, glob.glob(pattern)))
        )
        files = [path for path in paths if path.is_file()]
        if not files:
            raise ValueError(
                f"`{key}` must name files. Received: {key}={pattern!r}, which names none. "
                "Correct the path; in a configuration it is relative to its file."
            )
        found += files
    return list(dict.fromkeys(found))
