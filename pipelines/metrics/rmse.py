"""Root of the mean squared error."""

import numpy as np
from numpy.typing import ArrayLike


def rmse(
    labels: ArrayLike,
    predictions: ArrayLike,
    clip: tuple[float, float] | None = None,
    weights: ArrayLike | None = None,
) -> float:
    """Returns the root of the mean of `(label - prediction)^2`.

    Args:
        labels: `(examples,)` numbers.
        predictions: `(examples,)` numbers.
        clip: Lowest and highest prediction: what lies outside is moved there first. The AFM paper
            clips to the range of its labels, (-1, 1).
        weights: `(examples,)` weights of the examples. Default: 1.

    Raises:
        ValueError: If there are no examples.

    Example:
        >>> rmse([1, -1], [3, -1], clip=(-1, 1))
        0.0
    """
    label = np.asarray(labels, np.float64).ravel()
    prediction = np.asarray(predictions, np.float64).ravel()
    if not label.size:
        raise ValueError("`labels` must not be empty. Received: no labels.")
    if clip is not None:
        prediction = np.clip(prediction, *clip)
    weight = None if weights is None else np.asarray(weights, np.float64).ravel()
    return float(np.sqrt(np.average((label - prediction) ** 2, weights=weight)))
