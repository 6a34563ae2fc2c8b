"""The lines of a raw text file, cut into cells."""

from collections.abc import Iterator
from pathlib import Path

from pipelines.readers.open_bytes import open_bytes


def cells_of(
    path: Path, separator: str | None, num_cells: int | None = None, encoding: str = "utf-8"
) -> Iterator[tuple[int, list[str]]]:
    """Yields the cells of each line that is not blank.

    Args:
        path: The file, compressed or not.
        separator: What stands between cells. None: any white space.
        num_cells: How many a line must have. None: any number.
        encoding: Of the text.

    Yields:
        The number of the line, counted from 1, and its cells, without white space around them.

    Raises:
        ValueError: If a line has another number of cells, or the file holds no line.
    """
    empty = True
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            # No cell of these files ends in a separator of its own, so only the ends of lines go.
            text = line.decode(encoding).rstrip("\r\n")
            if not text.strip():
                continue
            empty = False
            cells = [cell.strip() for cell in text.split(separator)]
            if num_cells is not None and len(cells) != num_cells:
                raise ValueError(
                    f"A line must have {num_cells} cells. Received: {len(cells)} cells in {path}, "
                    f"line {number}. Get the file anew."
                )
            yield number, cells
    if empty:
        raise ValueError(f"`{path}` must hold rows. Received: none. Get the file anew.")
