"""Files of this machine by their patterns."""

import glob
from collections.abc import Sequence

from pipelines.beam.check_once import check_once


def find_files(patterns: Sequence[str]) -> list[str]:
    """Returns the files that patterns stand for, in alphabetical order.

    Raises:
        ValueError: If a pattern stands for none, or two stand for the same file.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> (folder / "log.csv").touch()
        >>> [pathlib.Path(file).name for file in find_files([f"{folder}/*.csv"])]
        ['log.csv']
    """
    found: list[str] = []
    for pattern in patterns:
        files = glob.glob(pattern, recursive=True)
        if not files:
            raise ValueError(f"`files` must be there. Received: files={pattern}, which finds none.")
        found += files
    check_once(found)
    return sorted(found)
