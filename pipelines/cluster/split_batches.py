"""Batches to the parts that replicas get."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def split_batches(dataset: Any, parts: int, wanted: Sequence[int]) -> Any:
    """Cuts each batch into parts and keeps some of them, as batches of their own.

    All parts of a batch together are the batch, so that replicas which take one each see in one
    step what one process sees. Each batch has every part, if need be without rows: replicas take
    as many steps.

    Args:
        dataset: Of tuples and dicts of `(batch, ...)` tensors, dense, sparse or ragged.
        parts: How many.
        wanted: Which of them, from 0.

    Returns:
        A `tf.data.Dataset`: the wanted parts of the first batch, then those of the second.

    Example:
        >>> batches = tf.data.Dataset.range(5).batch(5)
        >>> [part.tolist() for part in split_batches(batches, 2, [0, 1]).as_numpy_iterator()]
        [[0, 1], [2, 3, 4]]
    """

    def split(*batch: Any) -> Any:
        whole = batch[0] if len(batch) == 1 else batch
        numbers = tf.data.Dataset.from_tensor_slices(tf.constant(list(wanted), tf.int64))
        return numbers.map(lambda number: _part(whole, number, parts))

    return dataset.flat_map(split).prefetch(2 * len(wanted))


def _part(batch: Any, number: Any, parts: int) -> Any:
    flat = tf.nest.flatten(batch)  # sparse and ragged tensors whole
    size = _rows(flat[0])
    begin, end = number * size // parts, (number + 1) * size // parts
    return tf.nest.pack_sequence_as(batch, [_slice(one, begin, end) for one in flat])


def _rows(tensor: Any) -> Any:
    if isinstance(tensor, tf.SparseTensor):
        return tensor.dense_shape[0]
    if isinstance(tensor, tf.RaggedTensor):
        return tensor.nrows()
    return tf.shape(tensor, tf.int64)[0]


def _slice(tensor: Any, begin: Any, end: Any) -> Any:
    if not isinstance(tensor, tf.SparseTensor):
        return tensor[begin:end]
    zeros = tf.zeros_like(tensor.dense_shape[1:])
    start = tf.concat([[begin], zeros], 0)
    size = tf.concat([[end - begin], tensor.dense_shape[1:]], 0)
    return tf.sparse.slice(tensor, start, size)
