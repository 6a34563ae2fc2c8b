"""Opens a file of rows, compressed or not."""

import bz2
import contextlib
import gzip
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from pipelines.readers.damage_told import damage_told

_OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".lzma": lzma.open,
}


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file for reading; its last ending says how it is compressed.

    Args:
        path: The file. `.gz`, `.bz2`, `.xz` and `.lzma` are decompressed, anything else is not.

    Yields:
        Its bytes, decompressed as they are read.

    Raises:
        ValueError: If the file is empty, cut off or damaged; also while the block reads it.
        FileNotFoundError: If there is no such file.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.csv.gz"
        >>> _ = path.write_bytes(gzip.compress(b"x"))
        >>> with open_bytes(path) as file:
        ...     file.read()
        b'x'
    """
    if not path.stat().st_size:
        raise ValueError(f"`{path}` must hold rows. Received: an empty file. Make it again.")
    with damage_told(path), _OPENERS.get(path.suffix.lower(), open)(path, "rb") as file:
        yield file
