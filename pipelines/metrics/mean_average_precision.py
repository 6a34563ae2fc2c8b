"""Mean average precision."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.evaluation.ranking import Ranking


def mean_average_precision(
    groups: ArrayLike, labels: ArrayLike, scores: ArrayLike, k: int = 10
) -> float:
    """Returns MAP@k: the mean over groups of the average precision of their first k ranks.

        AP@k = 1 / min(k, positives) * sum over ranks r <= k of label(r) * precision at r
    Where scores are equal it is the mean over all orders of the tied. Groups without a positive
    are left out.

    Args:
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers.
        k: How many ranks count. Positive.

    Raises:
        ValueError: If `k` is not positive or no group has a positive.

    Example:
        >>> mean_average_precision([7, 7, 7], [1, 0, 1], [0.9, 0.8, 0.1])
        0.8333333333333333
    """
    if k < 1:
        raise ValueError(f"`k` must be positive. Received: k={k}.")
    ranking = Ranking(groups, labels, scores)
    if not ranking.positives.any():
        raise ValueError(
            "`groups` must have a group with a positive. "
            f"Received: {ranking.sizes.sum()} examples without one."
        )
    return float(np.nanmean(ranking.average_precision(k)))
