"""Labels beside yes-or-no answers."""

import numpy as np
from numpy.typing import ArrayLike


class Outcomes:
    """Which examples are positive, which are called positive, and what they weigh.

    Args:
        labels: `(examples,)` 0 or 1.
        predictions: `(examples,)` numbers; from `threshold` on they mean positive.
        threshold: Where positive begins.
        weights: `(examples,)` weights of the examples. Default: 1.

    Attributes:
        label: `(examples,)` bool.
        positive: `(examples,)` bool, whether the prediction means positive.
        weight: `(examples,)` float64.

    Raises:
        ValueError: If there are no examples.

    Example:
        >>> Outcomes([1, 0], [0.5, 0.4], 0.5).positive.tolist()
        [True, False]
    """

    def __init__(
        self,
        labels: ArrayLike,
        predictions: ArrayLike,
        threshold: float,
        weights: ArrayLike | None = None,
    ) -> None:
        self.label = np.asarray(labels, bool).ravel()
        if not self.label.size:
            raise ValueError("`labels` must not be empty. Received: no labels.")
        self.positive = np.asarray(predictions, np.float64).ravel() >= threshold
        self.weight = (
            np.ones(self.label.size) if weights is None else np.asarray(weights, np.float64).ravel()
        )
