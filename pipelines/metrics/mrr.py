"""Mean reciprocal rank."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.evaluation.ranking import Ranking


def mrr(groups: ArrayLike, labels: ArrayLike, scores: ArrayLike) -> float:
    """Returns the mean over groups of 1 / rank of the first positive, by falling score.

    Where scores are equal it is the mean over all orders of the tied. Groups without a positive
    are left out.

    Args:
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers.

    Raises:
        ValueError: If no group has a positive.

    Example:
        >>> mrr([7, 7, 8, 8], [1, 0, 1, 0], [0.9, 0.1, 0.5, 0.5])
        0.875
    """
    ranking = Ranking(groups, labels, scores)
    if not ranking.positives.any():
        raise ValueError(
            "`groups` must have a group with a positive. "
            f"Received: {ranking.sizes.sum()} examples without one."
        )
    return float(np.nanmean(ranking.reciprocal_rank()))
