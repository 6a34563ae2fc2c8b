"""Area under the ROC curve."""

import numpy as np
from numpy.typing import ArrayLike


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Returns the probability that a positive has a higher score than a negative, exactly.

    Equal scores count half, and no bins are used: this is the Mann-Whitney statistic,
    `(sum of the positives' mid-ranks - P (P + 1) / 2) / (P N)`.

    Args:
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers, of which only the order matters.

    Raises:
        ValueError: If all labels are equal, where no such pair exists.

    Example:
        >>> auc([0, 1, 1], [0.1, 0.1, 0.7])
        0.75
    """
    label = np.asarray(labels, bool).ravel()
    positives = int(label.sum())
    negatives = label.size - positives
    if not positives or not negatives:
        raise ValueError(
            "`labels` must hold both classes. "
            f"Received: {positives} positive and {negatives} negative labels."
        )
    _, rank, ties = np.unique(np.asarray(scores).ravel(), return_inverse=True, return_counts=True)
    mid_rank = np.cumsum(ties) - (ties - 1) / 2.0
    total = float(mid_rank[rank.ravel()][label].sum())
    return (total - positives * (positives + 1) / 2.0) / (positives * negatives)
