"""Opens a file of any file system of Beam, compressed or not."""

import bz2
import contextlib
import gzip
import lzma
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipelines.readers.damage_told import damage_told

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
    with FileSystems.open(file, compression_type=CompressionTypes.UNCOMPRESSED) as raw:
        if opener is None:
            yield raw
            return
        with damage_told(file), opener(raw, "rb") as stream:
            yield stream
