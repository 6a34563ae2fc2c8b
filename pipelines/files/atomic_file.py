"""A file that appears whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yields where to write a file that becomes `path` when the block ends without an error.

    At the end it is flushed to the disk and renamed into place, so a reader sees the old file or
    the new one and never a half. An error, Ctrl-C included, leaves `path` as it was.

    Args:
        path: The file to make. One that is there already is replaced; its parents are made.

    Yields:
        The path to write to: of the same name, in a private folder beside it.

    Example:
        >>> import pathlib, tempfile
        >>> out = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic_file(out) as partial:
        ...     _ = partial.write_text("whole")
        >>> out.read_text()
        'whole'
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    partial = folder / path.name
    try:
        yield partial
        descriptor = os.open(partial, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # A file made inside the private folder has the user's usual mode, unlike mkstemp's.
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
        folder.rmdir()
