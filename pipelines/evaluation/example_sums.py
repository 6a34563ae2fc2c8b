"""Metrics that are sums over examples."""

import numpy as np
from numpy.typing import NDArray

from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.sums import Sums
from pipelines.metrics.outcomes import Outcomes

_EPSILON = 1e-7  # as in `log_loss`


def example_sums(
    name: str,
    label: NDArray[np.float64],
    prediction: NDArray[np.float64],
    weight: NDArray[np.float64],
    units: NDArray[np.int64],
    evaluation: Evaluation,
) -> Sums:
    """Returns a metric whose sums go over examples, added up by unit.

    Args:
        name: "logloss", "rmse", "calibration_error", "accuracy", "precision" or "recall".
        label: `(examples,)`.
        prediction: `(examples,)`.
        weight: `(examples,)`.
        units: `(examples,)` which unit, from 0 on, each belongs to.
        evaluation: Threshold, clipping and bins.

    Example:
        >>> import numpy as np
        >>> right = example_sums("accuracy", np.array([1.0, 0.0]), np.array([0.9, 0.6]), np.ones(2),
        ...     np.arange(2), Evaluation())
        >>> right.of(np.array([[1.0, 1.0]])).tolist()
        [0.5]
    """
    count = int(units.max()) + 1

    def by_unit(*columns: NDArray) -> NDArray[np.float64]:
        return np.stack([np.bincount(units, weight * column, count) for column in columns], 1)

    one = np.ones(label.size)
    if name == "logloss":
        sure = np.clip(prediction, _EPSILON, 1 - _EPSILON)
        return Sums(by_unit(-np.log(np.where(label > 0, sure, 1 - sure)), one))
    if name == "rmse":
        seen = prediction if evaluation.clip is None else np.clip(prediction, *evaluation.clip)
        return Sums(
            by_unit((label - seen) ** 2, one), lambda sums: np.sqrt(sums[:, 0] / sums[:, 1])
        )
    if name == "calibration_error":
        bins = evaluation.bins
        place = np.minimum((prediction * bins).astype(np.int64), bins - 1)
        gaps = np.bincount(units * bins + place, weight * (prediction - label), count * bins)
        return Sums(
            np.c_[gaps.reshape(count, bins), by_unit(one)],
            lambda sums: np.abs(sums[:, :-1]).sum(1) / sums[:, -1],
        )
    found = Outcomes(label, prediction, evaluation.threshold)
    if name == "accuracy":
        return Sums(by_unit(found.label == found.positive, one))
    both = found.label & found.positive
    return Sums(by_unit(both, found.positive if name == "precision" else found.label))
