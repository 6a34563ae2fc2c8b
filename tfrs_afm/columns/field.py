"""A feature column as an interaction sees it."""

import dataclasses
from typing import Any

from tfrs_afm.columns.table import Table


@dataclasses.dataclass(frozen=True)
class Field:
    """The unit an interaction crosses: one feature column, one vector.

    Attributes:
        name: Name of the column.
        column: The feature column.
        categorical: The column that gives the ids; None for a numeric field, whose ids are the
            elements of its shape and whose values are the numbers themselves.
        table: The table its ids look up.
        combiner: How the ids of an example become one vector: "sum", "mean" or "sqrtn".
        sequence: Whether the order of the ids means something.
        keys: The raw features it reads.
    """

    name: str
    column: Any
    categorical: Any
    table: Table
    combiner: str
    sequence: bool
    keys: tuple[str, ...]
