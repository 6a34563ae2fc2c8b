"""Raw tensors as TensorFlow's columns take them."""

from typing import Any

import tensorflow as tf


def as_column_input(value: Any) -> Any:
    """Turns a raw feature into a Tensor or SparseTensor.

    Args:
        value: Tensor, SparseTensor, RaggedTensor, or what converts to a Tensor.

    Returns:
        A SparseTensor for a sparse or ragged one, else a Tensor.
    """
    if isinstance(value, tf.RaggedTensor):
        return value.to_sparse()
    if isinstance(value, tf.SparseTensor):
        return value
    return tf.convert_to_tensor(value)
