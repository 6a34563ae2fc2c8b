"""One over the rank of the first positive."""

from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.metrics.grouped_metric import GroupedMetric
from tfrs_afm.tasks.metrics.ranked_groups import RankedGroups


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MeanReciprocalRank(GroupedMetric):
    """Mean over groups of one over the rank of the first positive, exact; MRR.

    Of equal scores negatives come first. Groups without a positive are left out.

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the metric.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.MeanReciprocalRank("user_id")
        >>> metric.update_state([1, 0], [0.1, 0.9], groups=tf.constant([7, 7], tf.int64))
        >>> float(metric.result())
        0.5
    """

    def __init__(self, group: str, name: str = "mrr", **kwargs: Any) -> None:
        super().__init__(group, name, **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        positive = ranked.labels > 0
        reciprocal = 1 / (tf.cast(ranked.rank, tf.float64) + 1)
        first = tf.math.unsorted_segment_max(
            tf.where(positive, reciprocal, tf.zeros_like(reciprocal)),
            ranked.group,
            ranked.num_groups,
        )
        return ranked.mean_of(first, ranked.sum(tf.cast(positive, tf.float64)) > 0)
