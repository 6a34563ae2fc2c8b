"""Share of groups with a positive among the first."""

from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.metrics.ranked_groups import RankedGroups
from tfrs_afm.tasks.metrics.top_k_metric import TopKMetric


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class HitRate(TopKMetric):
    """Share of groups that have a positive among their first k, exact; HR@k.

    Of equal scores negatives come first. Groups without a positive are left out.

    Args:
        group: Name of the feature that says the group of an example.
        k: How many ranks count. Positive.
        name: Name of the metric. Default: "hit_rate_at_<k>".

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.HitRate("user_id", k=1)
        >>> groups = tf.constant([7, 7, 8, 8], tf.int64)
        >>> metric.update_state([1, 0, 1, 0], [0.9, 0.1, 0.5, 0.5], groups=groups)
        >>> float(metric.result())
        0.5
    """

    def __init__(self, group: str, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(group, k, name or f"hit_rate_at_{k}", **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        positive = tf.cast(ranked.labels > 0, tf.float64)
        hits = ranked.sum(tf.where(ranked.rank < self.k, positive, tf.zeros_like(positive)))
        return ranked.mean_of(tf.cast(hits > 0, tf.float64), ranked.sum(positive) > 0)
