"""Rows that are read anew each time somebody goes through them."""

from collections.abc import Callable, Iterator

from pipelines.sources.source import Row


class RepeatedRows:
    """An iterable that starts over at each `iter`, and holds no row itself.

    Args:
        read: Yields the rows, the same ones in the same order each time.

    Example:
        >>> rows = RepeatedRows(lambda: iter([{"user": 1}]))
        >>> list(rows) == list(rows)
        True
    """

    def __init__(self, read: Callable[[], Iterator[Row]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Row]:
        """Starts over."""
        return self._read()
