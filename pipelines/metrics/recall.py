"""How many of the positives are found."""

from numpy.typing import ArrayLike

from pipelines.evaluation.measures import Outcomes


def recall(
    labels: ArrayLike,
    predictions: ArrayLike,
    threshold: float = 0.5,
    weights: ArrayLike | None = None,
) -> float:
    """Returns the share of the positives that the threshold calls positive.

    Args:
        labels: `(examples,)` 0 or 1.
        predictions: `(examples,)` numbers; from `threshold` on they mean positive.
        threshold: Where positive begins.
        weights: `(examples,)` weights of the examples. Default: 1.

    Raises:
        ValueError: If there is no positive.

    Example:
        >>> recall([1, 1, 0], [0.9, 0.1, 0.8])
        0.5
    """
    found = Outcomes(labels, predictions, threshold, weights)
    positives = float(found.weight @ found.label)
    if not positives:
        raise ValueError(
            f"`labels` must hold a positive. Received: {found.label.size} labels without one."
        )
    return float(found.weight @ (found.positive & found.label)) / positives
