"""Reads tab-separated tables whose header gives each column's type."""

from pathlib import Path


def read_typed_header(path: Path) -> dict[str, list[str]]:
    r"""Reads a table with a header of `name:type` columns, as RecBole writes them.

    Args:
        path: A UTF-8 file, columns separated by tabs.

    Returns:
        Column name, without its type -> the column's cells, as text.

    Raises:
        ValueError: If the file is empty or a row has another number of cells than the header.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "table"
        >>> _ = path.write_text("user_id:token\tage:token\n1\t24\n")
        >>> read_typed_header(path)
        {'user_id': ['1'], 'age': ['24']}
    """
    # Not splitlines(): a title may hold characters that it takes for an end of line.
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    header = lines[0].rstrip("\r").split("\t")
    if header == [""]:
        raise ValueError(f"`{path}` must have a header line. Received: an empty file.")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(header):
            raise ValueError(
                f"`{path}` must have {len(header)} cells in each row. "
                f"Received: {len(cells)} cells in line {number}."
            )
        rows.append(cells)
    names = [name.split(":")[0] for name in header]
    return {name: [row[column] for row in rows] for column, name in enumerate(names)}
