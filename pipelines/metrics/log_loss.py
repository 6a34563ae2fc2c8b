"""Mean negative log-likelihood of binary labels."""

import numpy as np
from numpy.typing import ArrayLike

_EPSILON = 1e-7  # what tf.keras clips by, so that both give one number


def log_loss(labels: ArrayLike, predictions: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Returns the mean of `-log p` over the positives and `-log(1 - p)` over the negatives.

    Args:
        labels: `(examples,)` 0 or 1.
        predictions: `(examples,)` probabilities; clipped to `[1e-7, 1 - 1e-7]`, so that one sure
            and wrong prediction costs 16.1 and not infinity.
        weights: `(examples,)` weights of the examples. Default: 1.

    Raises:
        ValueError: If there are no examples, or a prediction is outside of `[0, 1]` or NaN.

    Example:
        >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
        0.6931
    """
    label = np.asarray(labels, bool).ravel()
    prediction = np.asarray(predictions, np.float64).ravel()
    if not label.size:
        raise ValueError("`labels` must not be empty. Received: no labels.")
    outside = ~((prediction >= 0) & (prediction <= 1))
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            "`predictions` must be probabilities. "
            f"Received: predictions={prediction[row]} in row {row}. Apply a sigmoid to logits."
        )
    prediction = np.clip(prediction, _EPSILON, 1 - _EPSILON)
    weight = None if weights is None else np.asarray(weights, np.float64).ravel()
    likelihood = np.log(np.where(label, prediction, 1 - prediction))
    return float(-np.average(likelihood, weights=weight))
