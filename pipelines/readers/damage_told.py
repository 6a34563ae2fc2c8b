"""What decompressors find, as errors that name the file."""

import contextlib
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def damage_told(file: str | Path) -> Iterator[None]:
    """Turns what a decompressor raises in the block into an error on the file.

    Args:
        file: The file, for the error.

    Raises:
        ValueError: If the file is cut off or damaged.

    Example:
        >>> with damage_told("a.csv.gz"):
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
