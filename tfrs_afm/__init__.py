"""AFM and DeepFM over TensorFlow feature columns, for TensorFlow Recommenders.

The walk of a batch, one file a step:

    pipelines/readers/batches.py             files -> (features, labels, weights)
    tfrs_afm/columns/column_encoder.py       features -> ids, values, real members
    tfrs_afm/embeddings/field_embedding.py   ids, values -> vectors, mask, linear terms
    tfrs_afm/interactions/afm.py             vectors, mask -> logits
    tfrs_afm/tasks/interaction_task.py       logits, labels -> loss, metrics
    tfrs_afm/models/field_ranking.py         the wiring, and the training step
    serving/exporting/serving_module.py      the model -> signatures
    serving/exporting/export.py              signatures -> a verified, published version
"""

# First of all: it decides which Keras everything below is built on.
from tfrs_afm import _host as _host  # isort: skip
from tfrs_afm import embeddings, growth, interactions, kernels, models, optimizers, tasks
from tfrs_afm.columns.normalizer import Normalizer
from tfrs_afm.columns.parsing import feature_schema, input_spec, parse_spec, read_tfrecord
from tfrs_afm.columns.piecewise_linear_column import piecewise_linear_column
from tfrs_afm.columns.sequence_columns import (
    sequence_bucketized_column,
    sequence_crossed_column,
    sequence_weighted_categorical_column,
)
from tfrs_afm.columns.shared_embeddings import shared_embeddings
from tfrs_afm.embeddings import FieldEmbedding, Fields, IdEmbedding, SequenceEmbedding
from tfrs_afm.explain import Explanation, PairAverages, explain, explain_dataset
from tfrs_afm.frames import frame_features
from tfrs_afm.size_report import size_report

__all__ = [
    "Explanation",
    "FieldEmbedding",
    "Fields",
    "IdEmbedding",
    "Normalizer",
    "PairAverages",
    "SequenceEmbedding",
    "embeddings",
    "explain",
    "explain_dataset",
    "feature_schema",
    "frame_features",
    "growth",
    "input_spec",
    "interactions",
    "kernels",
    "models",
    "optimizers",
    "parse_spec",
    "piecewise_linear_column",
    "read_tfrecord",
    "sequence_bucketized_column",
    "sequence_crossed_column",
    "sequence_weighted_categorical_column",
    "shared_embeddings",
    "size_report",
    "tasks",
]
__version__ = "0.1.0"
