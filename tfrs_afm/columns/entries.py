"""Sparse sequences in two dimensions."""

from typing import Any

import tensorflow as tf


def entries(ids: Any) -> Any:
    """Drops the third axis that TensorFlow gives to sequences with one id a place.

    Args:
        ids: SparseTensor `(batch, T)` or `(batch, T, 1)`.

    Returns:
        SparseTensor `(batch, T)`.
    """
    return tf.SparseTensor(ids.indices[:, :2], ids.values, ids.dense_shape[:2])
