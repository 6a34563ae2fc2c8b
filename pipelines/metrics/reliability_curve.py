"""What probabilities promise and what happens."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class ReliabilityCurve(NamedTuple):
    """Mean prediction and rate of positives, bin by bin of the predictions.

    Attributes:
        predicted: `(bins,)` the mean prediction of each bin that has examples.
        observed: `(bins,)` the rate of positives there; equal to `predicted` when calibrated.
        weight: `(bins,)` the weight of its examples: their number, where they have no weights.

    Example:
        >>> ReliabilityCurve.of([0, 1, 1], [0.1, 0.7, 0.9], bins=2).observed.tolist()
        [0.0, 1.0]
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        predictions: ArrayLike,
        bins: int = 15,
        weights: ArrayLike | None = None,
    ) -> "ReliabilityCurve":
        """Puts examples into bins of equal width.

        Args:
            labels: `(examples,)` 0 or 1.
            predictions: `(examples,)` probabilities.
            bins: How many bins [0, 1] is cut into; those without examples are left out. Positive.
            weights: `(examples,)` weights of the examples. Default: 1.

        Raises:
            ValueError: If there are no examples, `bins` is not positive, or a prediction is
                outside of [0, 1] or NaN.
        """
        label = np.asarray(labels, bool).ravel()
        prediction = np.asarray(predictions, np.float64).ravel()
        if not label.size:
            raise ValueError("`labels` must not be empty. Received: no labels.")
        if bins < 1:
            raise ValueError(f"`bins` must be positive. Received: bins={bins}.")
        outside = ~((prediction >= 0) & (prediction <= 1))
        if outside.any():
            row = int(np.argmax(outside))
            raise ValueError(
                "`predictions` must be probabilities. "
                f"Received: predictions={prediction[row]} in row {row}. Apply a sigmoid to logits."
            )
        weight = np.ones(label.size) if weights is None else np.asarray(weights, np.float64).ravel()
        place = np.minimum((prediction * bins).astype(np.int64), bins - 1)
        total: NDArray[np.float64] = np.bincount(place, weight, bins).astype(np.float64)
        full = total > 0
        predicted = np.bincount(place, weight * prediction, bins)[full] / total[full]
        observed = np.bincount(place, weight * label, bins)[full] / total[full]
        return cls(predicted, observed, total[full])
