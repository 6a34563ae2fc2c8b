"""A tensor of a feature to plain values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipelines.preparation.feature_spec import FeatureSpec


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


def read_feature(spec: FeatureSpec, folder: Path, part: str, name: str) -> NDArray[Any]:
    """Returns the values of a feature with one value an example, without parsing any other.

    Args:
        spec: The description of the examples.
        folder: Their folder.
        part: Which part.
        name: The feature, or the label.

    Returns:
        `(examples,)`, words as `str`; a missing value is "" or -1.
    """
    dtype = tf.as_dtype(spec.features[name].dtype)
    missing: Any = b"" if dtype == tf.string else -1
    parsing = {name: tf.io.FixedLenFeature([], dtype, missing)}
    files = [str(path) for path in spec.files(folder, part)]
    batches = tf.data.TFRecordDataset(files).batch(8192)
    values = np.concatenate(
        [
            values[name]
            for values in batches.map(
                lambda examples: tf.io.parse_example(examples, parsing)
            ).as_numpy_iterator()
        ]
    )
    return np.asarray([one.decode() for one in values]) if dtype == tf.string else values
