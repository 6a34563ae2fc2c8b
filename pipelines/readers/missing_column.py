"""The error for a column that a file lacks."""

import difflib
from collections.abc import Iterable
from pathlib import Path


def missing_column(name: str, path: Path, names: Iterable[str]) -> ValueError:
    """Returns the error for a column that is asked for and not there.

    Args:
        name: The column.
        path: The file without it.
        names: The columns that the file has.

    Example:
        >>> print(missing_column("user", Path("a.csv"), ["user_id", "age"]))
        `a.csv` must have a column 'user'. Received: user_id, age. Did you mean user_id?
    """
    known = list(names)
    close = difflib.get_close_matches(name, known, 1)
    fix = f"Did you mean {close[0]}?" if close else "Correct the name, or leave the column out."
    return ValueError(
        f"`{path}` must have a column '{name}'. Received: {', '.join(known) or 'none'}. {fix}"
    )
