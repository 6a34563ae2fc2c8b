"""Opens a file of any file system of Beam, compressed or not."""

import bz2
import contextlib
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

_OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}


@contextlib.contextmanager
def open_stream(file: str) -> Iterator[IO[bytes]]:
    """Opens a file for reading; its last ending says how it is compressed.

    Decompressed by Python and not by Beam, which takes a file that is cut off for a whole one.

    Args:
        file: The file. `.gz`, `.bz2` and `.xz` are decompressed, anything else is not.

    Yields:
        Its bytes.

    Raises:
        ValueError: If the file is cut off or damaged; also while the block reads it.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.csv.gz"
        >>> _ = path.write_bytes(gzip.compress(b"x"))
        >>> with open_stream(str(path)) as stream:
        ...     stream.read()
        b'x'
    """
    opener = _OPENERS.get(PurePosixPath(file).suffix)
    try:
        with FileSystems.open(file, compression_type=CompressionTypes.UNCOMPRESSED) as raw:
            if opener is None:
                yield raw
                return
            with opener(raw, "rb") as stream:
                yield stream
    except EOFError as error:
        raise ValueError(
            f"`{file}` must be a whole file. Received: one that is cut off. Make it again."
        ) from error
    except (OSError, lzma.LZMAError, zlib.error) as error:
        # What the decompressors find has no number; what the system reports has one.
        if opener is None or getattr(error, "errno", None) is not None:
            raise
        raise ValueError(
            f"`{file}` must be compressed as its name says. Received: {error}. Make it again."
        ) from error
