"""How far probabilities are from the rates of what happens."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.metrics.reliability_curve import ReliabilityCurve


def calibration_error(
    labels: ArrayLike, predictions: ArrayLike, bins: int = 15, weights: ArrayLike | None = None
) -> float:
    """Returns the expected calibration error, ECE.

        sum over bins of (share of the examples) * |mean prediction - rate of positives|
    with bins of equal width over [0, 1].

    Args:
        labels: `(examples,)` 0 or 1.
        predictions: `(examples,)` probabilities.
        bins: How many bins. Positive.
        weights: `(examples,)` weights of the examples. Default: 1.

    Raises:
        ValueError: If there are no examples, `bins` is not positive, or a prediction is outside of
            [0, 1] or NaN.

    Example:
        >>> calibration_error([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75], bins=2)
        0.25
    """
    curve = ReliabilityCurve.of(labels, predictions, bins, weights)
    gap = np.abs(curve.predicted - curve.observed)
    return float(np.average(gap, weights=curve.weight))
