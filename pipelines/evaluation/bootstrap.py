"""Confidence intervals by resampling."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray


class Sums:
    """A metric of which sums over units are all that must be known: nearly every metric is one.

    Accuracy is (weight of the right answers) / (weight), the mean NDCG is (sum over groups) /
    (number of groups). Kept unit by unit, the metric of a resample costs one row of a matrix
    product.

    Args:
        parts: `(units, parts)` what each example or group adds to each sum.
        finish: `(resamples, parts)` sums -> `(resamples,)`. Default: the first by the second.

    Example:
        >>> import numpy as np
        >>> right = Sums(np.array([[1.0, 1.0], [0.0, 1.0]]))
        >>> right.of(np.array([[1.0, 1.0], [2.0, 0.0]])).tolist()
        [0.5, 1.0]
    """

    def __init__(
        self,
        parts: NDArray[np.float64],
        finish: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    ) -> None:
        self._parts = parts
        self._finish = finish or (lambda total: total[:, 0] / total[:, 1])

    def of(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the metric of each resample, NaN where it is not defined.

        Args:
            counts: `(resamples, units)` how often each unit was drawn.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._finish(counts @ self._parts)


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


@dataclasses.dataclass(frozen=True)
class Interval:
    """A metric with its confidence interval.

    Attributes:
        value: The metric on all examples; None where it is not defined, as AUC of one class.
        low: The lower end of the interval; None where there is none.
        high: The upper end.

    Example:
        >>> str(Interval(0.75, 0.7, 0.8)), str(Interval(0.75)), str(Interval(None))
        ('0.7500 [0.7000, 0.8000]', '0.7500', '-')
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        ends = "" if self.low is None else f" [{self.low:.4f}, {self.high:.4f}]"
        return f"{self.value:.4f}{ends}"


_CELLS = 2**21  # of the counts that are held at once
_FEWEST = 10  # units: resamples of fewer tell too little of how they vary


def bootstrap(
    metrics: Mapping[str, Sums | AUCSums],
    units: int,
    *,
    resamples: int,
    confidence: float = 0.95,
    seed: int = 1,
) -> dict[str, Interval]:
    """Returns each metric with its percentile interval over resamples of the units.

    A resample draws as many units as there are, with replacement. All metrics see the same
    resamples, and so do other models of the same examples.

    Args:
        metrics: Name -> the metric, as a function of how often each unit counts.
        units: How many there are: groups where examples of a group belong together, as those of
            a user do, otherwise examples.
        resamples: How many to draw; 0 for no intervals.
        confidence: Share of the resamples inside an interval.
        seed: Decides the resamples.

    Returns:
        Name -> value and interval; None where the metric is not defined. Resamples where it is not
        defined are left out, and of less than ten units there is no interval.

    Example:
        >>> import numpy as np
        >>> half = Sums(np.array([[1.0, 1.0], [0.0, 1.0]] * 50))
        >>> bootstrap({"rate": half}, 100, resamples=200)["rate"].value
        0.5
    """
    once = np.ones([1, units])
    values = {name: float(metric.of(once)[0]) for name, metric in metrics.items()}
    drawn: dict[str, list] = {name: [] for name in metrics}
    draw = np.random.default_rng(seed)
    step = max(1, _CELLS // units)
    for start in range(0, resamples if units >= _FEWEST else 0, step):
        size = min(step, resamples - start)
        chosen = draw.integers(0, units, [size, units])
        chosen += np.arange(size)[:, None] * units
        times = np.bincount(chosen.ravel(), minlength=size * units).astype(np.float64)
        for name, metric in metrics.items():
            drawn[name].append(metric.of(times.reshape(size, units)))
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    found = {}
    for name, value in values.items():
        seen = np.concatenate([*drawn[name], np.empty(0)])
        seen = seen[~np.isnan(seen)]
        if np.isnan(value):
            found[name] = Interval(None)
        elif not seen.size:
            found[name] = Interval(value)
        else:
            low, high = np.quantile(seen, ends)
            found[name] = Interval(value, float(low), float(high))
    return found
