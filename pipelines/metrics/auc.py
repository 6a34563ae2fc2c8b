"""Area under the ROC curve."""

import numpy as np
from numpy.typing import ArrayLike


def auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Returns the probability that a positive has a higher score than a negative, exactly.

    Equal scores count half, and no bins are used: this is the Mann-Whitney statistic. With
    weights, a pair counts as the product of its two weights.

    Args:
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers, of which only the order matters.
        weights: `(examples,)` weights of the examples. Default: 1.

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
    weight = np.ones(label.size) if weights is None else np.asarray(weights, np.float64).ravel()
    _, tie = np.unique(np.asarray(scores).ravel(), return_inverse=True)
    positive = np.bincount(tie.ravel(), weight * label)
    negative = np.bincount(tie.ravel(), weight * ~label)
    below = np.cumsum(negative) - negative
    return float(positive @ (below + negative / 2) / (positive.sum() * negative.sum()))
