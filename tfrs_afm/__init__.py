"""AFM and DeepFM over TensorFlow feature columns, for TensorFlow Recommenders."""

# First of all: it decides which Keras everything below is built on.
from tfrs_afm import _keras2 as _keras2  # isort: skip
from tfrs_afm import embeddings, growth, interactions, kernels, models, optimizers, tasks
from tfrs_afm.columns.feature_schema import feature_schema
from tfrs_afm.columns.input_spec import input_spec
from tfrs_afm.columns.normalizer import Normalizer
from tfrs_afm.columns.parse_spec import parse_spec
from tfrs_afm.columns.piecewise_linear_column import piecewise_linear_column
from tfrs_afm.columns.read_tfrecord import read_tfrecord
from tfrs_afm.columns.sequence_bucketized_column import sequence_bucketized_column
from tfrs_afm.columns.sequence_crossed_column import sequence_crossed_column
from tfrs_afm.columns.sequence_weighted_categorical_column import (
    sequence_weighted_categorical_column,
)
from tfrs_afm.columns.shared_embeddings import shared_embeddings
from tfrs_afm.embeddings import FieldEmbedding, Fields, IdEmbedding, SequenceEmbedding
from tfrs_afm.explain import explain
from tfrs_afm.explain_dataset import explain_dataset
from tfrs_afm.explanation import Explanation
from tfrs_afm.pair_averages import PairAverages
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
