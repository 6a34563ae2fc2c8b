"""Feature columns to configurations and back."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.normalizer import Normalizer
from tfrs_afm.columns.piecewise_linear_column import PiecewiseLinearColumn
from tfrs_afm.columns.sequence_columns import (
    SequenceBucketizedColumn,
    SequenceCrossedColumn,
    SequenceWeightedCategoricalColumn,
)
from tfrs_afm.columns.shared_embeddings import SharedEmbeddingColumn

_OWN = {
    made.__name__: made
    for made in (
        Normalizer,
        PiecewiseLinearColumn,
        SequenceBucketizedColumn,
        SequenceCrossedColumn,
        SequenceWeightedCategoricalColumn,
        SharedEmbeddingColumn,
    )
}


def deserialize_columns(configs: Sequence[Any]) -> list[Any]:
    """Makes the columns that `serialize_columns` described.

    Args:
        configs: Configurations, or columns, which are passed through.

    Returns:
        Feature columns, in order.
    """
    known: dict[str, Any] = {}
    deserialize = tf.__internal__.feature_column.deserialize_feature_column
    return [
        deserialize(config, _OWN, known) if isinstance(config, dict) else config
        for config in configs
    ]


def serialize_columns(columns: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns JSON-ready configurations of feature columns.

    Args:
        columns: Feature columns of TensorFlow or of this package.

    Returns:
        One configuration per column, for `deserialize_columns`.
    """
    serialize = tf.__internal__.feature_column.serialize_feature_column
    return [serialize(column) for column in columns]
