"""AFM and DeepFM over TensorFlow feature columns, for TensorFlow Recommenders."""

# First of all: it decides which Keras everything below is built on.
from tfrs_afm import _keras2 as _keras2  # isort: skip
from tfrs_afm import embeddings, interactions, models, tasks
from tfrs_afm.columns.parse_spec import parse_spec
from tfrs_afm.columns.shared_embeddings import shared_embeddings
from tfrs_afm.embeddings import FieldEmbedding, Fields, IdEmbedding, SequenceEmbedding
from tfrs_afm.explain import explain
from tfrs_afm.explanation import Explanation

__all__ = [
    "Explanation",
    "FieldEmbedding",
    "Fields",
    "IdEmbedding",
    "SequenceEmbedding",
    "embeddings",
    "explain",
    "interactions",
    "models",
    "parse_spec",
    "shared_embeddings",
    "tasks",
]
__version__ = "0.1.0"
