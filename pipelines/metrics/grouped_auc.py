"""Area under the ROC curve inside each group."""

import numpy as np
from numpy.typing import ArrayLike

from pipelines.evaluation.ranking import Ranking


def grouped_auc(
    groups: ArrayLike, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Returns the mean AUC of the groups, weighted by their number of examples.

    With users as groups this is "per-user AUC", also called GAUC: how well a model orders what one
    user sees. Groups with labels of one class only have no AUC and are left out.

    Args:
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        labels: `(examples,)` 0 or 1.
        scores: `(examples,)` numbers.
        weights: `(examples,)` weights of the examples; a group then weighs their sum. Default: 1.

    Raises:
        ValueError: If no group has both classes.

    Example:
        >>> grouped_auc([7, 7, 8, 8, 9], [0, 1, 0, 1, 1], [0.1, 0.2, 0.9, 0.8, 0.5])
        0.5
    """
    ranking = Ranking(groups, labels, scores, weights)
    found, weight = ranking.auc(), ranking.group_weights()
    defined = ~np.isnan(found)
    if not defined.any():
        raise ValueError(
            "`groups` must have a group with both classes. "
            f"Received: {ranking.sizes.sum()} examples without one."
        )
    return float(found[defined] @ weight[defined] / weight[defined].sum())
