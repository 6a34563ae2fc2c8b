"""Keras metrics of rankings inside groups, for example of what each user is shown."""

from tfrs_afm.tasks.metrics.grouped_auc import GroupedAUC
from tfrs_afm.tasks.metrics.grouped_metric import GroupedMetric
from tfrs_afm.tasks.metrics.hit_rate import HitRate
from tfrs_afm.tasks.metrics.mean_average_precision import MeanAveragePrecision
from tfrs_afm.tasks.metrics.mean_reciprocal_rank import MeanReciprocalRank
from tfrs_afm.tasks.metrics.ndcg import NDCG

__all__ = [
    "NDCG",
    "GroupedAUC",
    "GroupedMetric",
    "HitRate",
    "MeanAveragePrecision",
    "MeanReciprocalRank",
]
