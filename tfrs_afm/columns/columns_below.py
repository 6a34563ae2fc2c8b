"""The columns that a column is made of."""

from collections.abc import Iterator
from typing import Any


def columns_below(column: Any) -> Iterator[Any]:
    """Goes through a column and all that it is made of: what it embeds, buckets, weighs, crosses.

    Args:
        column: A feature column.

    Yields:
        The column itself, then those below it.
    """
    yield column
    for parent in column.parents:
        if not isinstance(parent, str):
            yield from columns_below(parent)
