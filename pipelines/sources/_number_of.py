"""A number in a raw text file."""

from pathlib import Path


def number_of(name: str, cell: str, path: Path, line: int) -> int:
    """Reads a whole number.

    Args:
        name: What it is, for an error.
        cell: Its text.
        path: The file it stands in.
        line: The line it stands in.

    Returns:
        The number.

    Raises:
        ValueError: If it is none; file and line are named.
    """
    try:
        return int(cell)
    except ValueError:
        raise ValueError(
            f"`{name}` must be a whole number. Received: {name}={cell!r} in {path}, line {line}. "
            "Get the file anew."
        ) from None
