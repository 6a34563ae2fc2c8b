"""How often each value occurred, for quantiles that are exact while they fit."""

from collections import Counter
from collections.abc import Sequence


class ValueCounts:
    """A mergeable summary of numbers that answers which value has a rank.

    Exact up to `capacity` distinct values. Beyond, sorted neighbours are put together into runs
    that each count as their smallest value, and `rank_error` grows by the largest run: a value
    that is answered for a rank has a true rank not further than `rank_error` from it.

    Args:
        capacity: Most distinct values that are kept. At least eight.

    Example:
        >>> counts = ValueCounts(100)
        >>> for value in (5, 3, 3):
        ...     counts.add(value)
        >>> counts.at([0, 1, 2])
        [3, 3, 5]
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.counts: Counter[float] = Counter()
        self.rank_error = 0

    def add(self, value: float, count: int = 1) -> None:
        """Counts a value."""
        self.counts[value] += count
        if len(self.counts) > self.capacity:
            self._compress()

    def merge(self, other: "ValueCounts") -> None:
        """Takes the counts of another summary; the errors add up."""
        self.counts.update(other.counts)
        self.rank_error += other.rank_error
        if len(self.counts) > self.capacity:
            self._compress()

    def at(self, ranks: Sequence[int]) -> list[float]:
        """Returns the values that stand at ascending ranks, from zero, when all are sorted."""
        found: list[float] = []
        passed = 0
        for value in sorted(self.counts):
            passed += self.counts[value]
            while len(found) < len(ranks) and ranks[len(found)] < passed:
                found.append(value)
        return found

    def total(self) -> int:
        """Returns how many values were counted."""
        return self.counts.total()

    def distinct(self) -> int:
        """Returns how many values are told apart."""
        return len(self.counts)

    def smallest(self) -> float:
        """Returns the smallest value."""
        return min(self.counts)

    def _compress(self) -> None:
        # Two neighbouring runs hold more than `most`, so half of the capacity is free afterwards.
        most = self.total() // (self.capacity // 4)
        runs: Counter[float] = Counter()
        run = min(self.counts)
        for value in sorted(self.counts):
            # A value more frequent than a run is its own, and costs no error.
            if runs[run] + self.counts[value] > most:
                run = value
            runs[run] += self.counts[value]
        self.rank_error += max((count - self.counts[run] for run, count in runs.items()), default=0)
        self.counts = runs
