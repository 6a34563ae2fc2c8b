"""Confidence intervals by resampling."""

from collections.abc import Mapping

import numpy as np

from pipelines.evaluation.auc_sums import AUCSums
from pipelines.evaluation.interval import Interval
from pipelines.evaluation.sums import Sums

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
