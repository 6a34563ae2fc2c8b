"""Shows how far a long step is, to people only."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def progress(
    items: Iterable[T], description: str, total: int | None = None, unit: str = "rows"
) -> Iterator[T]:
    """Yields the items, with a bar, their rate and the time left, on stderr if it is a terminal.

    Args:
        items: What to go through.
        description: What is being done, for the bar.
        total: Number of items where `items` has no length; without it no time left is shown.
        unit: What the items are.

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
        from rich.progress import (
            BarColumn,
            Progress,
            ProgressColumn,
            Task,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text
    except ImportError as error:
        raise ImportError(
            "rich must be installed to show progress. Run: pip install 'tfrs-afm[pipelines]'."
        ) from error

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            # A short step ends before rich has two measurements to take a speed from.
            speed = task.finished_speed or task.speed or task.completed / (task.elapsed or 1)
            return Text(f"{speed:,.0f} {unit}/s" if speed else "", style="progress.data.speed")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.completed:,.0f}} {unit}"),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        yield from shown.track(items, total, description=description)
