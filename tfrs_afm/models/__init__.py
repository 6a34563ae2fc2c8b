"""Ready models: columns, embeddings and a task wired into a `tfrs.Model`."""

from tfrs_afm.models.afm import AFM
from tfrs_afm.models.deepfm import DeepFM

__all__ = ["AFM", "DeepFM"]
