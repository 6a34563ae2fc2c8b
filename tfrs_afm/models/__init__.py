"""Ready models: columns, embeddings and a task wired into a `tfrs.Model`; and their loader."""

from tfrs_afm.models.afm import AFM
from tfrs_afm.models.deepfm import DeepFM
from tfrs_afm.models.load_model import load_model
from tfrs_afm.models.multi_task import MultiTask

__all__ = ["AFM", "DeepFM", "MultiTask", "load_model"]
