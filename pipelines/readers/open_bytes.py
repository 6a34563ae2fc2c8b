"""Opens a file of rows, compressed or not."""

import bz2
import contextlib
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

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
    try:
        with _OPENERS.get(path.suffix.lower(), open)(path, "rb") as file:
            yield file
    except EOFError as error:
        raise ValueError(
            f"`{path}` must be a whole file. Received: one that is cut off. Make it again."
        ) from error
    except (OSError, lzma.LZMAError, zlib.error) as error:
        # What the decompressors find has no number; what the system reports has one.
        if getattr(error, "errno", None) is not None:
            raise
        raise ValueError(
            f"`{path}` must be compressed as its name says. Received: {error}. Make it again."
        ) from error
