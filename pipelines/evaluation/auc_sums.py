"""AUC of many resamples of the same examples."""

import numpy as np
from numpy.typing import NDArray


class AUCSums:
    """AUC by the weights of examples that are sorted once, for all resamples.

    A resample changes how often an example counts and never its score. So each costs two running
    sums over the sorted examples and no sorting: 1,000 of 50,000 examples take seconds.

    Args:
        labels: `(examples,)` bool.
        scores: `(examples,)` numbers.
        weights: `(examples,)` weights of the examples.
        units: `(examples,)` the unit that each belongs to; those of one unit are drawn together.

    Example:
        >>> import numpy as np
        >>> auc = AUCSums(np.array([False, True, True]), np.array([0.1, 0.1, 0.7]), np.ones(3),
        ...     np.arange(3))
        >>> auc.of(np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0]])).tolist()
        [0.75, 1.0]
    """

    def __init__(
        self,
        labels: NDArray[np.bool_],
        scores: NDArray[np.float64],
        weights: NDArray[np.float64],
        units: NDArray[np.int64],
    ) -> None:
        order = np.argsort(scores, kind="stable")
        label, score, weight = labels[order], scores[order], weights[order]
        unit = units[order]
        self._negative_units, self._negative_weights = unit[~label], weight[~label]
        self._positive_units, self._positive_weights = unit[label], weight[label]
        # How many of the sorted negatives lie below each positive, and below or level with it.
        self._below = np.searchsorted(score[~label], score[label], "left")
        self._level = np.searchsorted(score[~label], score[label], "right")

    def of(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the AUC of each resample, NaN where a class is missing.

        Args:
            counts: `(resamples, units)` how often each unit was drawn.
        """
        found = np.full(len(counts), np.nan)
        for row, count in enumerate(counts):  # one at a time: a row stays in the cache
            negatives = np.r_[0.0, np.cumsum(count[self._negative_units] * self._negative_weights)]
            positive = count[self._positive_units] * self._positive_weights
            pairs = positive.sum() * negatives[-1]
            if pairs > 0:
                won = positive * (negatives[self._below] + negatives[self._level])
                found[row] = won.sum() / 2 / pairs  # not `@`: BLAS threads cost more than this
        return found
