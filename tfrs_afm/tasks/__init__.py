"""Logits and labels to loss and metrics: AFM and DeepFM as Keras tasks."""

from tfrs_afm.tasks import losses, metrics
from tfrs_afm.tasks.afm import AFM
from tfrs_afm.tasks.deepfm import DeepFM
from tfrs_afm.tasks.joint import Joint
from tfrs_afm.tasks.ranking import Ranking

__all__ = ["AFM", "DeepFM", "Joint", "Ranking", "losses", "metrics"]
