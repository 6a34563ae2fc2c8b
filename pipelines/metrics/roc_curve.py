"""The trade between positives found and negatives called positive."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class ROCCurve(NamedTuple):
    """The rates of true and false positives at every threshold; the area below it is the AUC.

    Attributes:
        false_positive: `(points,)` share of the negatives from each threshold on, from 0 to 1.
        true_positive: `(points,)` share of the positives there, from 0 to 1.

    Example:
        >>> curve = ROCCurve.of([0, 1, 1], [0.1, 0.1, 0.7])
        >>> curve.false_positive.tolist(), curve.true_positive.tolist()
        ([0.0, 0.0, 1.0], [0.0, 0.5, 1.0])
    """

    false_positive: NDArray[np.float64]
    true_positive: NDArray[np.float64]

    @classmethod
    def of(
        cls, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
    ) -> "ROCCurve":
        """Takes one point for each distinct score, so that ties are a slope and not a choice.

        Args:
            labels: `(examples,)` 0 or 1.
            scores: `(examples,)` numbers, of which only the order matters.
            weights: `(examples,)` weights of the examples. Default: 1.

        Raises:
            ValueError: If all labels are equal.
        """
        label = np.asarray(labels, bool).ravel()
        if label.all() or not label.any():
            raise ValueError(
                "`labels` must hold both classes. Received: "
                f"{label.sum()} positive and {(~label).sum()} negative labels."
            )
        weight = np.ones(label.size) if weights is None else np.asarray(weights, np.float64).ravel()
        _, tie = np.unique(np.asarray(scores).ravel(), return_inverse=True)
        rates = []
        for wanted in (~label, label):
            total = np.cumsum(np.bincount(tie.ravel(), weight * wanted)[::-1])
            rates.append(np.r_[0.0, total / total[-1]])
        return cls(*rates)
