"""A tensor of a feature to plain values."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.readers.examples import damage_named


def feature_values(value: Any) -> list[Any]:
    """Returns the values of a feature in each example of a batch as Python numbers and text.

    This is the one way from a tensor to what is printed, written to a file or grouped by. Bytes
    that are not UTF-8 become replacement characters, so different ones may become the same text.

    Args:
        value: A dense, sparse or ragged tensor or a NumPy array, whose first axis is the batch; a
            scalar is a batch of one.

    Returns:
        For each example its value where a dense tensor has exactly one in each, otherwise the
        list of its values, in their order.

    Example:
        >>> feature_values(tf.constant([[b"a"], [b"b"]]))
        ['a', 'b']
        >>> feature_values(tf.sparse.from_dense([[1, 2], [0, 3]]))
        [[1, 2], [3]]
    """
    if isinstance(value, tf.SparseTensor):
        rows: list[Any] = [[] for _ in range(int(value.dense_shape[0]))]
        members = _plain(value.values)
        for row, member in zip(value.indices.numpy()[:, 0].tolist(), members, strict=True):
            rows[row].append(member)
        return rows
    if isinstance(value, tf.RaggedTensor):
        flat = _plain(value.flat_values)
        return [flat[start:end] for start, end in itertools.pairwise(_bounds(value))]
    array = np.atleast_1d(np.asarray(value))
    size = int(np.prod(array.shape[1:], dtype=np.int64))
    flat = _plain(array)
    if size == 1:
        return flat
    return [flat[row * size : (row + 1) * size] for row in range(len(array))]


def _bounds(value: Any) -> list[int]:
    """Returns where the values of each row of a ragged tensor begin, and where the last end."""
    flat = value.flat_values
    bounds = np.arange(len(flat) + 1) * int(np.prod(flat.shape[1:], dtype=np.int64))
    for splits in reversed(value.nested_row_splits):
        bounds = bounds[splits.numpy()]
    return list(bounds.tolist())


def _plain(tensor: Any) -> list[Any]:
    """Returns all values of a tensor, one after the other."""
    values = np.asarray(tensor).ravel().tolist()
    return [one.decode(errors="replace") if isinstance(one, bytes) else one for one in values]


def read_feature(spec: FeatureSpec, folder: Path, part: str, name: str) -> NDArray[Any]:
    """Returns the values of a feature with one value an example, without parsing any other.

    Args:
        spec: The description of the examples.
        folder: Their folder.
        part: Which split.
        name: The feature, or the label.

    Returns:
        `(examples,)`, words as `str`; a missing value is "" or -1.
    """
    return read_features(spec, folder, part, [name])[name]


def read_features(
    spec: FeatureSpec, folder: Path, part: str, names: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Returns the values of several features, as `read_feature` does.

    Args:
        spec: The description of the examples.
        folder: Their folder.
        part: Which split.
        names: The features, or the label.

    Raises:
        ValueError: If a file of the split is damaged; it is named.
    """
    dtypes = {name: tf.as_dtype(spec.features[name].dtype) for name in names}
    parsing = {
        name: tf.io.FixedLenFeature([], dtype, b"" if dtype == tf.string else -1)
        for name, dtype in dtypes.items()
    }
    files = spec.files(folder, part)
    batches = tf.data.TFRecordDataset([str(path) for path in files]).batch(8192)
    parsed = batches.map(lambda examples: tf.io.parse_example(examples, parsing))
    with damage_named(files):
        found = list(parsed.as_numpy_iterator())
    values = {name: np.concatenate([one[name] for one in found]) for name in names}
    return {
        name: np.asarray(feature_values(one)) if dtypes[name] == tf.string else one
        for name, one in values.items()
    }
