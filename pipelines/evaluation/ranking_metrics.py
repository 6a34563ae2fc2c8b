"""The numbers by which models of a binary label are compared."""

from numpy.typing import ArrayLike

from pipelines.metrics.auc import auc
from pipelines.metrics.grouped_auc import grouped_auc
from pipelines.metrics.log_loss import log_loss
from pipelines.metrics.ndcg import ndcg


def ranking_metrics(
    groups: ArrayLike, labels: ArrayLike, predictions: ArrayLike
) -> dict[str, float]:
    """Judges predictions over all examples and inside each group.

    Args:
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        labels: `(examples,)` 0 or 1.
        predictions: `(examples,)` probabilities.

    Returns:
        `auc`, `logloss`, `group_auc` and `ndcg_10`, see `pipelines.metrics`.

    Raises:
        ValueError: If a metric is not defined, as AUC where all labels are equal.

    Example:
        >>> ranking_metrics([7, 7], [1, 0], [0.5, 0.5])["auc"]
        0.5
    """
    return {
        "auc": auc(labels, predictions),
        "logloss": log_loss(labels, predictions),
        "group_auc": grouped_auc(groups, labels, predictions),
        "ndcg_10": ndcg(groups, labels, predictions, 10),
    }
