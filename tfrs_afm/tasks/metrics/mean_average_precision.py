"""Precision at the positives."""

from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.metrics.ranked_groups import RankedGroups
from tfrs_afm.tasks.metrics.top_k_metric import TopKMetric


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MeanAveragePrecision(TopKMetric):
    """Mean over groups of the average precision at k, exact; MAP@k.

        AP@k = sum over ranks r = 1..k that hold a positive of precision@r / min(positives, k)
    Of equal scores negatives come first. Groups without a positive are left out.

    Args:
        group: Name of the feature that says the group of an example.
        k: How many ranks count. Positive.
        name: Name of the metric. Default: "map_at_<k>".

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.MeanAveragePrecision("user_id", k=10)
        >>> groups = tf.constant([7, 7, 7, 7], tf.int64)
        >>> metric.update_state([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6], groups=groups)
        >>> round(float(metric.result()), 4)
        0.8333
    """

    def __init__(self, group: str, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(group, k, name or f"map_at_{k}", **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        positive = tf.cast(ranked.labels > 0, tf.float64)
        positives = ranked.sum(positive)
        before = tf.gather(tf.cumsum(positives, exclusive=True), ranked.group)
        precision = (tf.cumsum(positive) - before) / (tf.cast(ranked.rank, tf.float64) + 1)
        found = tf.where(ranked.rank < self.k, positive * precision, tf.zeros_like(precision))
        best = tf.minimum(positives, tf.cast(self.k, tf.float64))
        average = tf.math.divide_no_nan(ranked.sum(found), best)
        return ranked.mean_of(average, positives > 0)
