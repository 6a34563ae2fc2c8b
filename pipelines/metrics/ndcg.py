"""Normalized discounted cumulative gain."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ndcg(groups: ArrayLike, labels: ArrayLike, scores: ArrayLike, k: int = 10) -> float:
    """Returns the mean over groups of DCG@k divided by the best possible DCG@k.

    `DCG@k = sum of label / log2(1 + rank)` over the ranks 1 to k of the examples of a group, by
    falling score. Each of several equal scores gets the mean of the labels that share it, which
    is the expectation over all orders of the tied, so the order of the input does not matter.
    Every group counts the same; groups without a positive have no NDCG and are left out.

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
    label = np.asarray(labels, np.float64).ravel()
    score = np.asarray(scores).ravel()
    _, group = np.unique(np.asarray(groups).ravel(), return_inverse=True)
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    found = []
    order = np.argsort(group.ravel(), kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(group.ravel()))[:-1]):
        best = _dcg(np.sort(label[rows])[::-1], discounts)
        if best > 0:
            found.append(_dcg(_expected(label[rows], score[rows]), discounts) / best)
    if not found:
        raise ValueError(
            "`groups` must have a group with a positive. "
            f"Received: {label.size} examples without one."
        )
    return float(np.mean(found))


def _dcg(gains: NDArray[np.float64], discounts: NDArray[np.float64]) -> float:
    top = gains[: len(discounts)]
    return float(top @ discounts[: len(top)])


def _expected(label: NDArray[np.float64], score: NDArray) -> NDArray[np.float64]:
    """Returns the labels by falling score, those of equal scores as their mean."""
    _, tie, count = np.unique(score, return_inverse=True, return_counts=True)
    mean = np.bincount(tie.ravel(), weights=label) / count
    gains: NDArray[np.float64] = np.repeat(mean, count)[::-1]
    return gains
