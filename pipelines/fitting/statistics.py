"""Vocabularies, bounds and ranks from counts that are merged over workers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike


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

    @classmethod
    def of(cls, values: ArrayLike) -> "ValueCounts":
        """Counts values that are in memory, exactly."""
        distinct, counts = np.unique(np.asarray(values), return_counts=True)
        found = cls(max(distinct.size, 8))
        found.counts = Counter(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))
        return found

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


def count_bounds(values: ValueCounts, num_buckets: int) -> list[float]:
    """Returns the bounds that `quantile_bounds` gives for the counted values.

    Args:
        values: How often each number occurred. Not empty.
        num_buckets: Most buckets. At least two.

    Returns:
        Fewer than `num_buckets` ascending bounds. Each is a value whose rank is not further than
        `values.rank_error` from the rank it was asked for.

    Example:
        >>> values = ValueCounts(100)
        >>> for value in (1, 2, 3, 4):
        ...     values.add(value)
        >>> count_bounds(values, 2)
        [3.0]
    """
    cuts = [number * values.total() // num_buckets for number in range(1, num_buckets)]
    bounds = sorted({float(bound) for bound in values.at(cuts)})
    return [bound for bound in bounds if bound > values.smallest()]


def column_bounds(values: ValueCounts, num_buckets: int) -> list[float]:
    """Returns bounds that a column can be made of: those of `count_bounds`, at least one.

    Where all values are one, it is the bound: below it is what training has not seen.

    Example:
        >>> column_bounds(ValueCounts.of([7.0, 7.0]), 4)
        [7.0]
    """
    return count_bounds(values, num_buckets) or [float(values.smallest())]


def quantile_bounds(values: ArrayLike, num_buckets: int) -> list[float]:
    """Returns ascending, distinct bounds for `tf.feature_column.bucketized_column`.

    Each bound is one of the values, and a bucket holds its lower bound. Where one value is so
    frequent that bounds would coincide, there are fewer buckets.

    Args:
        values: Numbers seen in the training split.
        num_buckets: Most buckets. At least two.

    Returns:
        Fewer than `num_buckets` bounds, all greater than the smallest value.

    Raises:
        ValueError: If `num_buckets` is less than two or there are no values.

    Example:
        >>> quantile_bounds([1, 2, 3, 4], 2)
        [3.0]
    """
    if num_buckets < 2:
        raise ValueError(f"`num_buckets` must be at least 2. Received: num_buckets={num_buckets}.")
    numbers = np.asarray(values, np.float64)
    if not numbers.size:
        raise ValueError("`values` must not be empty. Received: no values.")
    return count_bounds(ValueCounts.of(numbers), num_buckets)


Word = TypeVar("Word", int, str)


def vocabulary(
    counts: Mapping[Word, int], min_count: int = 1, max_size: int | None = None
) -> list[Word]:
    """Returns the values by falling count, equal counts in alphabetical order.

    Args:
        counts: Value -> how often the training split has it.
        min_count: Rarer values are left out, and are out of vocabulary to a model.
        max_size: Most values. Default: all.

    Returns:
        The values that are frequent enough.

    Example:
        >>> vocabulary({"b": 1, "a": 1, "c": 2})
        ['c', 'a', 'b']
    """
    kept = [value for value, count in counts.items() if count >= min_count]
    return sorted(kept, key=lambda value: (-counts[value], value))[:max_size]


class Smallest:
    """A mergeable summary that keeps the `most` smallest of what it is given and counts all.

    It caps the events of a bot in bounded memory: as events sort by time, the oldest are kept.
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
