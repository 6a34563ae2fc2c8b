"""Logits and labels to loss and metrics: AFM and DeepFM as Keras tasks."""

from tfrs_afm.tasks import losses, metrics
from tfrs_afm.tasks.afm import AFM
from tfrs_afm.tasks.deepfm import DeepFM
from tfrs_afm.tasks.joint import Joint

__all__ = ["AFM", "DeepFM", "Joint", "losses", "metrics"]
