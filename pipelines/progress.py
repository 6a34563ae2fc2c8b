"""Shows how far a long step is, to people only."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yields the items, with a bar on stderr when stderr is a terminal.

    Args:
        items: What to go through.
        description: What is being done, for the bar.
        total: Number of items where `items` has no length.

    Yields:
        The items, unchanged.

    Raises:
        ImportError: If stderr is a terminal and rich is not installed.

    Example:
        >>> sum(progress([1, 2, 3], "Adding"))
        6
    """
    if not sys.stderr.isatty():
        yield from items
        return
    try:
        from rich.console import Console
        from rich.progress import track
    except ImportError as error:
        raise ImportError(
            "rich must be installed to show progress. Run: pip install 'tfrs-afm[pipelines]'."
        ) from error
    yield from track(items, description, total, console=Console(stderr=True))
