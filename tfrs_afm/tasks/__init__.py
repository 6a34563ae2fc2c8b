"""Logits and labels to loss and metrics: AFM and DeepFM as Keras tasks."""

from tfrs_afm.tasks import calibration, losses, metrics
from tfrs_afm.tasks.joint import Joint
from tfrs_afm.tasks.ranking import AFM, DeepFM, Ranking

__all__ = ["AFM", "DeepFM", "Joint", "Ranking", "calibration", "losses", "metrics"]
