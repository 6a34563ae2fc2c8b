"""Configurations to feature columns."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.normalizer import Normalizer
from tfrs_afm.columns.piecewise_linear_column import PiecewiseLinearColumn
from tfrs_afm.columns.sequence_bucketized_column import SequenceBucketizedColumn
from tfrs_afm.columns.sequence_crossed_column import SequenceCrossedColumn
from tfrs_afm.columns.sequence_weighted_categorical_column import (
    SequenceWeightedCategoricalColumn,
)
from tfrs_afm.columns.shared_embedding_column import SharedEmbeddingColumn

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
