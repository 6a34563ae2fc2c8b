"""Bounds that cut numbers into buckets of about equal count, from counts of the numbers."""

from pipelines.beam.value_counts import ValueCounts


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
