"""Examples ranked inside their groups: AUC, NDCG, hit rate, reciprocal rank, precision."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Ranking:
    """The examples of each group by falling score, equal scores kept as ties.

    What is measured is the mean over all orders of the tied: a model that gives every candidate
    the same score gets what chance gets, never more, and the order of the input does not matter.
    Everything is computed for all groups at once.

    Args:
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers, of which only the order matters.
        weights: `(examples,)` weights of the examples, for `auc` only. Default: 1.

    Raises:
        ValueError: If there are no examples, or a score is NaN and so has no rank.

    Example:
        >>> ranking = Ranking([7, 7, 7, 8, 8], [1, 0, 0, 0, 1], [0.9, 0.9, 0.1, 0.8, 0.2])
        >>> ranking.hit_rate(1).tolist(), ranking.auc().tolist()
        ([0.5, 0.0], [0.75, 0.0])
    """

    def __init__(
        self,
        groups: ArrayLike,
        labels: ArrayLike,
        scores: ArrayLike,
        weights: ArrayLike | None = None,
    ) -> None:
        label = np.asarray(labels, bool).ravel()
        score = np.asarray(scores, np.float64).ravel()
        if not label.size:
            raise ValueError("`labels` must not be empty. Received: no labels.")
        if np.isnan(score).any():
            row = int(np.argmax(np.isnan(score)))
            raise ValueError(f"`scores` must be numbers. Received: scores=nan in row {row}.")
        self.groups, group = np.unique(np.asarray(groups).ravel(), return_inverse=True)
        group = group.ravel()
        order = np.lexsort((-score, group))
        group, score, label = group[order], score[order], label[order]
        first_of_group = np.r_[True, group[1:] != group[:-1]]
        first_of_tie = first_of_group | np.r_[True, score[1:] != score[:-1]]
        starts = np.flatnonzero(first_of_tie)
        self.sizes = np.bincount(group)
        self._tie_group = group[starts]
        self._group_ties = np.flatnonzero(first_of_group[starts])  # the first tie of each group
        self._tied = np.diff(np.r_[starts, label.size])
        self._above = starts - np.flatnonzero(first_of_group)[self._tie_group]
        self._hits = np.add.reduceat(label.astype(np.int64), starts)  # positives of each tie
        self.positives = np.add.reduceat(self._hits, self._group_ties)
        self._hits_above = self._before(self._hits)
        self._row_tie = np.repeat(np.arange(starts.size), self._tied)
        self._row_place = np.arange(label.size) - starts[self._row_tie]  # 0 for the first of a tie
        self._row_rank = self._above[self._row_tie] + self._row_place + 1
        weight = np.ones(label.size) if weights is None else np.asarray(weights, np.float64).ravel()
        self._weight = weight[order]
        self._positive_weight = np.add.reduceat(self._weight * label, starts)
        self._negative_weight = np.add.reduceat(self._weight * ~label, starts)

    def auc(self) -> NDArray[np.float64]:
        """Returns `(groups,)` the share of pairs in the right order; NaN without both classes."""
        positives = np.add.reduceat(self._positive_weight, self._group_ties)
        negatives = np.add.reduceat(self._negative_weight, self._group_ties)
        below = (
            negatives[self._tie_group] - self._before(self._negative_weight) - self._negative_weight
        )
        won = np.add.reduceat(
            self._positive_weight * (below + self._negative_weight / 2), self._group_ties
        )
        return _share(won, positives * negatives)

    def group_weights(self) -> NDArray[np.float64]:
        """Returns `(groups,)` the weight of each group's examples; their number without weights."""
        found: NDArray[np.float64] = np.add.reduceat(
            self._positive_weight + self._negative_weight, self._group_ties
        )
        return found

    def ndcg(self, k: int) -> NDArray[np.float64]:
        """Returns `(groups,)` DCG@k by the best possible DCG@k; NaN without a positive."""
        discounts = np.r_[0.0, 1.0 / np.log2(np.arange(2, int(self.sizes.max()) + 2))]
        discounts[k + 1 :] = 0.0
        gains = (self._hits / self._tied)[self._row_tie] * discounts[self._row_rank]
        return _share(self._per_group(gains), np.cumsum(discounts)[self.positives])

    def hit_rate(self, k: int) -> NDArray[np.float64]:
        """Returns `(groups,)` the chance of a positive in the first k; NaN without a positive."""
        room = np.clip(k - self._above, 0, self._tied)
        missed = np.ones(self._tied.size)
        misses = self._tied - self._hits
        # None of the `room` first of a tie is a positive: C(misses, room) / C(tied, room).
        for place in range(int(room.max())):
            taken = np.maximum(misses - place, 0) / np.maximum(self._tied - place, 1)
            missed *= np.where(place < room, taken, 1.0)
        found = 1.0 - np.multiply.reduceat(missed, self._group_ties)
        return np.where(self.positives > 0, found, np.nan)

    def reciprocal_rank(self) -> NDArray[np.float64]:
        """Returns `(groups,)` the mean of 1 / rank of the first positive; NaN without one."""
        first = np.flatnonzero((self._hits > 0) & (self._hits_above == 0))
        tied, hits, above = self._tied[first], self._hits[first], self._above[first]
        found = np.zeros(first.size)
        none_yet = np.ones(first.size)  # the chance that no positive came at an earlier place
        for place in range(int((tied - hits).max(initial=-1)) + 1):
            left = np.maximum(tied - place, 1)
            chance = np.minimum(hits / left, 1.0)
            found += none_yet * chance / (above + place + 1)
            none_yet *= 1.0 - chance
        result = np.full(self.sizes.size, np.nan)
        result[self._tie_group[first]] = found
        return result

    def average_precision(self, k: int) -> NDArray[np.float64]:
        """Returns `(groups,)` AP@k: the mean precision at the positives; NaN without a positive."""
        tied, hits = self._tied[self._row_tie], self._hits[self._row_tie]
        # A positive at this place has this many others of its tie before it, in the mean.
        before = self._row_place * np.maximum(hits - 1, 0) / np.maximum(tied - 1, 1)
        precision = (self._hits_above[self._row_tie] + 1 + before) / self._row_rank
        gains = np.where(self._row_rank <= k, hits / tied * precision, 0.0)
        return _share(self._per_group(gains), np.minimum(self.positives, k))

    def _per_group(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.bincount(
            self._tie_group[self._row_tie], rows, self.sizes.size
        ).astype(np.float64)
        return found

    def _before(self, ties: NDArray) -> NDArray:
        """Returns for each tie the sum over the ties above it in its group."""
        before = np.cumsum(ties) - ties
        return before - before[self._group_ties][self._tie_group]


def _share(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.full(whole.shape, np.nan)
    return np.divide(part, whole, out=found, where=whole > 0)
