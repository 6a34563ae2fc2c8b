"""Area under the ROC curve inside each group."""

from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.metrics.grouped_metric import GroupedMetric
from tfrs_afm.tasks.metrics.ranked_groups import RankedGroups


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class GroupedAUC(GroupedMetric):
    """Mean AUC of the groups, exact; with users as groups "per-user AUC" or GAUC.

    The AUC of a group is the probability that a positive of it is scored above a negative of it,
    equal scores counting half. Groups of one class have none and are left out.

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the metric.
        weighted: Whether a group counts by its number of examples, or as one. Default: by number.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.GroupedAUC("user_id")
        >>> groups = tf.constant([7, 7, 8, 8], tf.int64)
        >>> metric.update_state([0, 1, 0, 1], [0.1, 0.2, 0.9, 0.8], groups=groups)
        >>> float(metric.result())
        0.5
    """

    def __init__(
        self, group: str, name: str = "grouped_auc", *, weighted: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(group, name, **kwargs)
        self.weighted = weighted

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        positive = tf.cast(ranked.labels > 0, tf.float64)
        negative = 1 - positive
        positives, negatives = ranked.sum(positive), ranked.sum(negative)
        tie, num_ties = ranked.ties()
        tied = tf.gather(tf.math.unsorted_segment_sum(negative, tie, num_ties), tie)
        # Negatives of the whole sorted list up to and with the tie, less those of earlier groups.
        through = tf.math.unsorted_segment_max(tf.cumsum(negative), tie, num_ties)
        before = tf.cumsum(negatives, exclusive=True)
        above = tf.gather(through, tie) - tf.gather(before, ranked.group)
        beaten = tf.gather(negatives, ranked.group) - above + 0.5 * tied
        pairs = positives * negatives
        auc = tf.math.divide_no_nan(ranked.sum(positive * beaten), pairs)
        sizes = positives + negatives if self.weighted else tf.ones_like(pairs)
        return ranked.mean_of(auc, tf.where(pairs > 0, sizes, tf.zeros_like(sizes)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "weighted": self.weighted}
