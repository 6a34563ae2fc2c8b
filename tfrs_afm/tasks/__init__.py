"""Logits and labels to loss and metrics: AFM and DeepFM as Keras tasks."""

from tfrs_afm.tasks.afm import AFM
from tfrs_afm.tasks.deepfm import DeepFM

__all__ = ["AFM", "DeepFM"]
