"""Bounds that cut numbers into buckets of about equal count."""

import numpy as np
from numpy.typing import ArrayLike


def quantile_bounds(values: ArrayLike, num_buckets: int) -> list[float]:
    """Returns ascending, distinct bounds for `tf.feature_column.bucketized_column`.

    Each bound is one of the values, and a bucket holds its lower bound. Where one value is so
    frequent that bounds would coincide, there are fewer buckets.

    Args:
        values: Numbers seen in the training part.
        num_buckets: Most buckets. At least two.

    Returns:
        Fewer than `num_buckets` bounds, all greater than the smallest value.

    Raises:
        ValueError: If `num_buckets` is less than two or there are no values.

    Example:
        >>> quantile_bounds([1, 2, 3, 4], 2)
        [3.0]
    """
    ordered = np.sort(np.asarray(values, np.float64))
    if num_buckets < 2:
        raise ValueError(f"`num_buckets` must be at least 2. Received: num_buckets={num_buckets}.")
    if not len(ordered):
        raise ValueError("`values` must not be empty. Received: no values.")
    cuts = np.arange(1, num_buckets) * len(ordered) // num_buckets
    bounds = np.unique(ordered[cuts])
    return [float(bound) for bound in bounds if bound > ordered[0]]
