"""A new table and the old one its rows come from."""

from typing import NamedTuple

import numpy as np


class TableMatch(NamedTuple):
    """A new table and the old one its rows come from.

    Attributes:
        name: Name of the new table.
        source: Name of the old table; None where there is none.
        rows: `(rows of the new table,)` int64, the old row for each new one, -1 for none.
        note: Why there is no source, and what else there is to know.
    """

    name: str
    source: str | None
    rows: np.ndarray
    note: str = ""
