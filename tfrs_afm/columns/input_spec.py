"""The raw features of columns as tensors of a serving signature."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.parse_spec import parse_spec


def input_spec(columns: Sequence[Any]) -> dict[str, Any]:
    """Returns the tensors that stand for the raw features of a batch.

    Args:
        columns: Feature columns, as for `FieldEmbedding`.

    Returns:
        A dict from feature name to `tf.TensorSpec` (fixed) or `tf.SparseTensorSpec` (lists), batch
        first, in the form in which `tf.io.parse_example` gives them.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tfrs_afm.input_spec([tf.feature_column.numeric_column("age")])["age"].shape
        TensorShape([None, 1])
    """
    tensors: dict[str, Any] = {}
    for name, spec in parse_spec(columns).items():
        if isinstance(spec, tf.io.FixedLenFeature):
            tensors[name] = tf.TensorSpec([None, *spec.shape], spec.dtype, name)
        else:
            tensors[name] = tf.SparseTensorSpec([None, None], spec.dtype)
    return tensors
