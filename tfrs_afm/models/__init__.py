"""Ready models: columns, embeddings and a task wired into a `tfrs.Model`."""

from tfrs_afm.models.afm import AFM
from tfrs_afm.models.deepfm import DeepFM
from tfrs_afm.models.multi_task import MultiTask

__all__ = ["AFM", "DeepFM", "MultiTask"]
