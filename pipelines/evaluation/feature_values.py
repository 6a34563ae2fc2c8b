"""A tensor of a feature to plain values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def feature_values(value: Any) -> Sequence[list[Any]] | NDArray:
    """Returns the values of a feature in each example of a batch, words as `str`.

    Args:
        value: A dense, sparse or ragged tensor whose first axis is the batch.

    Returns:
        `(batch,)` where each example has exactly one value, otherwise a list of the list of each.

    Example:
        >>> feature_values(tf.constant([[b"a"], [b"b"]])).tolist()
        ['a', 'b']
        >>> feature_values(tf.sparse.from_dense([[1, 2], [0, 3]]))
        [[1, 2], [3]]
    """
    if isinstance(value, tf.SparseTensor):
        rows: list[list[Any]] = [[] for _ in range(int(value.dense_shape[0]))]
        members = _plain(value.values.numpy())
        for row, member in zip(value.indices.numpy()[:, 0].tolist(), members.tolist(), strict=True):
            rows[row].append(member)
        return rows
    if isinstance(value, tf.RaggedTensor):
        return [_plain(np.ravel(row)).tolist() for row in value.numpy()]
    array = np.asarray(value)
    flat = array.reshape(len(array), -1)
    if flat.shape[1] == 1:
        return _plain(flat[:, 0])
    return [_plain(row).tolist() for row in flat]


def _plain(array: NDArray) -> NDArray:
    if array.dtype != object and array.dtype.kind != "S":
        return array
    words = [one.decode(errors="replace") if isinstance(one, bytes) else one for one in array]
    return np.array(words, object)
