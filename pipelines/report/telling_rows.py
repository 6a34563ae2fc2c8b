"""Which examples say most about a model."""

import numpy as np
from numpy.typing import ArrayLike


def telling_rows(
    labels: ArrayLike, predictions: ArrayLike, *, binary: bool = True, each: int = 2
) -> list[tuple[int, str]]:
    """Returns the surest right answers and the worst mistakes.

    Args:
        labels: `(examples,)`.
        predictions: `(examples,)`.
        binary: Whether labels are 0 and 1; otherwise right is what comes nearest.
        each: How many of each kind.

    Returns:
        (row, story), by kind.

    Example:
        >>> for row, story in telling_rows([1, 0, 1, 0], [0.9, 0.1, 0.2, 0.8], each=1):
        ...     print(row, story)
        0 Sure and right: positive
        1 Sure and right: negative
        2 Worst miss: positive, called negative
        3 Worst false alarm: negative, called positive
    """
    label = np.asarray(labels, np.float64).ravel()
    prediction = np.asarray(predictions, np.float64).ravel()
    if not binary:
        error = np.abs(label - prediction)
        kinds = {"Nearest to its label": error, "Farthest from its label": -error}
        chosen = {story: np.arange(label.size) for story in kinds}
    else:
        positive, negative = np.flatnonzero(label > 0), np.flatnonzero(label <= 0)
        chosen = {
            "Sure and right: positive": positive,
            "Sure and right: negative": negative,
            "Worst miss: positive, called negative": positive,
            "Worst false alarm: negative, called positive": negative,
        }
        signs = (-1.0, 1.0, 1.0, -1.0)
        kinds = {story: sign * prediction for story, sign in zip(chosen, signs, strict=True)}
    return [
        (int(row), story)
        for story, rows in chosen.items()
        for row in rows[np.argsort(kinds[story][rows], kind="stable")[:each]]
    ]
