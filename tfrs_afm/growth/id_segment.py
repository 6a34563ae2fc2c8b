"""Rows of a table whose ids are of one kind."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple


class IdSegment(NamedTuple):
    """Rows that follow each other in a table and whose ids are of one kind.

    Attributes:
        meaning: What the ids are, in words; ids of different meanings are never the same.
        ids: The value of each row's id, in order.
        parts: Of a cross, what it crosses: names of features, or the segments of a column.
    """

    meaning: str
    ids: Sequence[Hashable]
    parts: tuple[str | tuple["IdSegment", ...], ...] = ()
