"""Normalized discounted cumulative gain."""

import math
from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.metrics.ranked_groups import RankedGroups
from tfrs_afm.tasks.metrics.top_k_metric import TopKMetric


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class NDCG(TopKMetric):
    """Mean over groups of DCG@k divided by the best possible DCG@k, exact.

        DCG@k = sum over ranks r = 1..k of label / log2(1 + r)
    Equal scores share the mean of their labels, the expectation over all orders of them. Groups
    without a positive have no NDCG and are left out.

    Args:
        group: Name of the feature that says the group of an example.
        k: How many ranks count. Positive.
        name: Name of the metric. Default: "ndcg_at_<k>".

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.NDCG("user_id", k=10)
        >>> metric.update_state([1, 0], [0.9, 0.1], groups=tf.constant([7, 7], tf.int64))
        >>> metric.name, float(metric.result())
        ('ndcg_at_10', 1.0)
    """

    def __init__(self, group: str, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(group, k, name or f"ndcg_at_{k}", **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        tie, num_ties = ranked.ties()
        shared = tf.math.unsorted_segment_mean(ranked.labels, tie, num_ties)
        best = tf.argsort(-ranked.labels, stable=True)
        best = tf.gather(best, tf.argsort(tf.gather(ranked.group, best), stable=True))
        ideal = self._dcg(ranked, tf.gather(ranked.labels, best))
        dcg = self._dcg(ranked, tf.gather(shared, tie))
        return ranked.mean_of(tf.math.divide_no_nan(dcg, ideal), ideal > 0)

    def _dcg(self, ranked: RankedGroups, gains: Any) -> Any:
        discount = math.log(2) / tf.math.log(tf.cast(ranked.rank, tf.float64) + 2)
        return ranked.sum(tf.where(ranked.rank < self.k, gains * discount, tf.zeros_like(gains)))
