"""Area under the ROC curve inside each group."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.metrics.auc import auc


def grouped_auc(groups: ArrayLike, labels: ArrayLike, scores: ArrayLike) -> float:
    """Returns the mean AUC of the groups, weighted by their number of examples.

    With users as groups this is "per-user AUC", also called GAUC: how well a model orders what one
    user sees. Groups with labels of one class only have no AUC and are left out.

    Args:
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers.

    Raises:
        ValueError: If no group has both classes.

    Example:
        >>> grouped_auc([7, 7, 8, 8, 9], [0, 1, 0, 1, 1], [0.1, 0.2, 0.9, 0.8, 0.5])
        0.5
    """
    label = np.asarray(labels, bool).ravel()
    score = np.asarray(scores).ravel()
    _, group = np.unique(np.asarray(groups).ravel(), return_inverse=True)
    total = weight = 0.0
    order = np.argsort(group.ravel(), kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(group.ravel()))[:-1]):
        if label[rows].any() and not label[rows].all():
            total += auc(label[rows], score[rows]) * rows.size
            weight += rows.size
    if not weight:
        raise ValueError(
            "`groups` must have a group with both classes. "
            f"Received: {label.size} examples without one."
        )
    return total / weight
