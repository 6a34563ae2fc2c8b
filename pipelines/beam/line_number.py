"""Which line of a file a byte is in."""

from typing import IO


def line_number(stream: IO[bytes], offset: int) -> int:
    r"""Returns the line, from one on, that a byte offset is in.

    Lines are numbered only when one is to be named: files are read in ranges of bytes, and who
    reads a range does not know how many lines are before it.

    Args:
        stream: The file, at its start.
        offset: Bytes before the line, after decompression.

    Example:
        >>> import io
        >>> line_number(io.BytesIO(b"a\nb\nc\n"), 2)
        2
    """
    lines = 1
    while offset > 0:
        block = stream.read(min(offset, 1 << 20))
        if not block:
            break
        lines += block.count(b"\n")
        offset -= len(block)
    return lines
