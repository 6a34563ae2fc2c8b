"""Share of right answers."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.evaluation.measures import Outcomes


def accuracy(
    labels: ArrayLike,
    predictions: ArrayLike,
    threshold: float = 0.5,
    weights: ArrayLike | None = None,
) -> float:
    """Returns the share of examples that lie on their label's side of the threshold.

    Args:
        labels: `(examples,)` 0 or 1.
        predictions: `(examples,)` numbers; from `threshold` on they mean positive.
        threshold: Where positive begins.
        weights: `(examples,)` weights of the examples. Default: 1.

    Raises:
        ValueError: If there are no examples.

    Example:
        >>> accuracy([1, 0, 1, 0], [0.9, 0.2, 0.4, 0.1])
        0.75
    """
    found = Outcomes(labels, predictions, threshold, weights)
    return float(np.average(found.label == found.positive, weights=found.weight))
