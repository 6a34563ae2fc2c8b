"""Files of rows: found by path or pattern, and opened whether compressed or not."""

import bz2
import contextlib
import glob
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

_OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".lzma": lzma.open,
}
_UNREADABLE = (".zst", ".deflate", ".zip", ".7z", ".br", ".lz4", ".snappy")


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file of this machine for reading, decompressed as its last ending says.

    Args:
        path: The file.

    Yields:
        Its bytes, see `decompressed`.

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
    with open(path, "rb") as raw, decompressed(raw, path) as file:
        yield file


@contextlib.contextmanager
def decompressed(raw: IO[bytes], name: str | Path) -> Iterator[IO[bytes]]:
    """Decompresses an open file of any file system as its last ending says.

    Args:
        raw: The file, at its start.
        name: Its name. `.gz`, `.bz2`, `.xz` and `.lzma`, in any case, are decompressed; other
            endings are not.

    Yields:
        Its bytes, decompressed as they are read.

    Raises:
        ValueError: If it is compressed in a way that is not read, cut off or damaged; also while
            the block reads it.
    """
    ending = PurePosixPath(name).suffix.lower()
    if ending in _UNREADABLE:
        raise ValueError(
            f"`{name}` must be compressed as .gz, .bz2, .xz or .lzma, if at all. Received: a "
            f"{ending} file. Compress it in one of these ways."
        )
    if ending not in _OPENERS:
        yield raw
        return
    with decompression_errors(name), _OPENERS[ending](raw, "rb") as file:
        yield file


@contextlib.contextmanager
def decompression_errors(file: str | Path) -> Iterator[None]:
    """Turns what a decompressor raises in the block into an error on the file.

    Args:
        file: The file, for the error.

    Raises:
        ValueError: If the file is cut off or damaged.

    Example:
        >>> with decompression_errors("a.csv.gz"):
        ...     raise EOFError
        Traceback (most recent call last):
        ValueError: `a.csv.gz` must be a whole file. Received: one that is cut off. Make it again.
    """
    try:
        yield
    except EOFError as error:
        raise ValueError(
            f"`{file}` must be a whole file. Received: one that is cut off. Make it again."
        ) from error
    except (OSError, lzma.LZMAError, zlib.error) as error:
        # What the decompressors find has no number; what the system reports has one.
        if getattr(error, "errno", None) is not None:
            raise
        raise ValueError(
            f"`{file}` must be compressed as its name says. Received: {error}. Make it again."
        ) from error


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
        files = [Path(pattern)]
        if not files[0].is_file():
            matches = sorted(map(Path, glob.glob(pattern, recursive=True)))
            files = [path for path in matches if path.is_file()]
        if not files:
            raise ValueError(
                f"`{key}` must name files. Received: {key}={pattern!r}, which names none. "
                "Correct the path; in a configuration it is relative to its file."
            )
        found += files
    return list(dict.fromkeys(found))
