"""Normalized discounted cumulative gain."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.evaluation.ranking import Ranking


def ndcg(groups: ArrayLike, labels: ArrayLike, scores: ArrayLike, k: int = 10) -> float:
    """Returns the mean over groups of DCG@k divided by the best possible DCG@k.

    `DCG@k = sum of label / log2(1 + rank)` over the ranks 1 to k of the examples of a group, by
    falling score. Equal scores share their ranks, see `Ranking`. Every group counts the same;
    groups without a positive have no NDCG and are left out.

    Args:
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers.
        k: How many ranks count. Positive.

    Raises:
        ValueError: If `k` is not positive or no group has a positive.

    Example:
        >>> ndcg([7, 7], [1, 0], [0.9, 0.1])
        1.0
    """
    if k < 1:
        raise ValueError(f"`k` must be positive. Received: k={k}.")
    ranking = Ranking(groups, labels, scores)
    if not ranking.positives.any():
        raise ValueError(
            "`groups` must have a group with a positive. "
            f"Received: {ranking.sizes.sum()} examples without one."
        )
    return float(np.nanmean(ranking.ndcg(k)))
