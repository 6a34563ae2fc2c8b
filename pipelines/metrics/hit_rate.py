"""How often the first ranks hold a positive."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.evaluation.ranking import Ranking


def hit_rate(groups: ArrayLike, labels: ArrayLike, scores: ArrayLike, k: int = 10) -> float:
    """Returns HR@k: the share of groups with a positive among the k highest scores.

    With one positive a group this is also recall@k. Where scores are equal it is the chance of a
    hit over all orders of the tied. Groups without a positive are left out.

    Args:
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers.
        k: How many ranks count. Positive.

    Raises:
        ValueError: If `k` is not positive or no group has a positive.

    Example:
        >>> hit_rate([7, 7, 8, 8], [1, 0, 1, 0], [0.9, 0.1, 0.5, 0.5], k=1)
        0.75
    """
    if k < 1:
        raise ValueError(f"`k` must be positive. Received: k={k}.")
    ranking = Ranking(groups, labels, scores)
    if not ranking.positives.any():
        raise ValueError(
            "`groups` must have a group with a positive. "
            f"Received: {ranking.sizes.sum()} examples without one."
        )
    return float(np.nanmean(ranking.hit_rate(k)))
