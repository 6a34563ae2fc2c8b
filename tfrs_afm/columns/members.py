"""The members of a field over a batch."""

from typing import Any, NamedTuple


class Members(NamedTuple):
    """The real ids of one field over a batch, one entry an id; padding is not among them.

    Attributes:
        ids: `(count,)` int64, each in `[0, rows of the table)`.
        values: `(count,)` float32, the x_i of each id; None where all are 1.
        rows: `(count,)` int64, the example each id belongs to, ascending.
        positions: `(count,)` int64, the place of each id in its sequence.
        num_rows: `()` int64, the batch size.
        length: `()` int64, the longest sequence, padding included.
    """

    ids: Any
    values: Any
    rows: Any
    positions: Any
    num_rows: Any
    length: Any
