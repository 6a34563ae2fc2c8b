"""The first of many things in their order, and how many there were."""

from typing import Any


class Smallest:
    """A mergeable summary that keeps the `most` smallest of what it is given and counts all.

    It caps the events of a robot in bounded memory: as events sort by time, the oldest are kept.
    Whether an event is kept then depends on nothing that comes later, as it must be where the
    future is to be predicted.

    Args:
        most: How many are kept. Positive.

    Example:
        >>> events = Smallest(1)
        >>> events.add((60, "film"))
        >>> events.add((30, "book"))
        >>> events.seen, events.kept()
        (2, [(30, 'book')])
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.seen = 0
        self._some: list[Any] = []

    def add(self, thing: Any) -> None:
        """Takes one."""
        self.seen += 1
        self._some.append(thing)
        self._cut()

    def merge(self, other: "Smallest") -> None:
        """Takes those of another summary."""
        self.seen += other.seen
        self._some += other._some
        self._cut()

    def kept(self) -> list[Any]:
        """Returns the smallest, ascending."""
        return sorted(self._some)[: self.most]

    def _cut(self) -> None:
        # Not each time: one sort for every `most` costs little.
        if len(self._some) > 2 * self.most:
            self._some = self.kept()
