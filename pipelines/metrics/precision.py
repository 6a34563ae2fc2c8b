"""How many of the examples called positive are."""

from numpy.typing import ArrayLike

from pipelines.evaluation.measures import Outcomes


def precision(
    labels: ArrayLike,
    predictions: ArrayLike,
    threshold: float = 0.5,
    weights: ArrayLike | None = None,
) -> float:
    """Returns the share of positives among the examples that the threshold calls positive.

    Args:
        labels: `(examples,)` 0 or 1.
        predictions: `(examples,)` numbers; from `threshold` on they mean positive.
        threshold: Where positive begins.
        weights: `(examples,)` weights of the examples. Default: 1.

    Raises:
        ValueError: If no prediction reaches the threshold.

    Example:
        >>> precision([1, 0, 1], [0.9, 0.8, 0.1])
        0.5
    """
    found = Outcomes(labels, predictions, threshold, weights)
    called = float(found.weight @ found.positive)
    if not called:
        raise ValueError(
            "`threshold` must be reached by a prediction. "
            f"Received: threshold={threshold}, above them all. Take a lower one."
        )
    return float(found.weight @ (found.positive & found.label)) / called
