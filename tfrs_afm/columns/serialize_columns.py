"""Feature columns to configurations."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def serialize_columns(columns: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns JSON-ready configurations of feature columns.

    Args:
        columns: Feature columns of TensorFlow or of this package.

    Returns:
        One configuration per column, for `deserialize_columns`.
    """
    serialize = tf.__internal__.feature_column.serialize_feature_column
    return [serialize(column) for column in columns]
