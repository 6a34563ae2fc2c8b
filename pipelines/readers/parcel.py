"""The columns of a batch in a few arrays, on their way from Python to TensorFlow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.readers.blocks import Columns
from pipelines.readers.values import Wanted


class Parcel:
    """Puts columns of one type side by side, and takes them apart again in the graph.

    Each array that passes from Python to TensorFlow has its price, however small it is, and so has
    each operation that would make a sparse tensor of a list there. So values of a type pass as one
    array, the indices of all lists as another one, and one operation takes each apart.

    Args:
        wanted: What is read of each row.

    Example:
        >>> import numpy as np
        >>> from pipelines.readers.values import Wanted
        >>> parcel = Parcel([Wanted("age", "age", "float32", ()),
        ...                  Wanted("tags", "tags", "int64", None)])
        >>> lists = {"tags": (np.array([7, 8, 9]), np.array([1, 2]))}
        >>> columns = Columns.of_lists({"age": np.array([30, 40], np.float32)}, lists, 2)
        >>> found = parcel.unpack(parcel.pack(columns))
        >>> found["age"].numpy().tolist(), found["tags"].indices.numpy().tolist()
        ([30.0, 40.0], [[0, 0], [1, 0], [1, 1]])
    """

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        def by_type(some: Sequence[Wanted]) -> list[tuple[str, list[Wanted]]]:
            types = dict.fromkeys(one.dtype for one in some)
            return [(of, [one for one in some if one.dtype == of]) for of in types]

        self._dense = by_type([one for one in wanted if one.shape is not None])
        self._lists = by_type([one for one in wanted if one.shape is None])
        self._keys = [one.key for one in wanted]

    @property
    def signature(self) -> tuple[tf.TensorSpec, ...]:
        """What `pack` returns."""
        dense = [
            tf.TensorSpec([None, sum(one.size for one in some)], dtype)
            for dtype, some in self._dense
        ]
        if not self._lists:
            return tuple(dense)
        lists = [tf.TensorSpec([None], dtype) for dtype, _ in self._lists]
        count = sum(len(some) for _, some in self._lists)
        places = [tf.TensorSpec(shape, tf.int64) for shape in ([None, 2], [count], [count, 2])]
        return (*dense, *lists, *places)

    def pack(self, columns: Columns) -> tuple[Any, ...]:
        """The arrays of a batch: dense ones by type, lists by type, and the places of these."""
        arrays = [
            _beside([columns.dense[one.key].reshape(len(columns), -1) for one in some], 1)
            for _, some in self._dense
        ]
        if not self._lists:
            return tuple(arrays)
        every: list[Any] = []
        for _, some in self._lists:
            packed = [columns.packed(one.key) for one in some]
            arrays.append(_beside([values for values, _ in packed], 0))
            every += [lengths for _, lengths in packed]
        lengths = np.asarray(every, np.int64)  # (lists, rows)
        each = lengths.ravel()
        rows = np.repeat(np.tile(np.arange(len(columns)), len(every)), each)
        positions = np.arange(len(rows)) - np.repeat(np.cumsum(each) - each, each)
        widths = lengths.max(1, initial=0)
        shapes = np.stack([np.full_like(widths, len(columns)), widths], 1)
        return (*arrays, np.stack([rows, positions], 1), lengths.sum(1), shapes)

    def unpack(self, arrays: Sequence[Any]) -> dict[str, Any]:
        """The features, in the order in which they were wanted."""
        left = list(arrays)
        found: dict[str, Any] = {}
        for _, some in self._dense:
            parts = tf.split(left.pop(0), [one.size for one in some], axis=1)
            for one, part in zip(some, parts, strict=True):
                found[one.key] = tf.reshape(part, [-1, *(one.shape or ())])
        if self._lists:
            *values, places, sizes, shapes = left
            counts = [len(some) for _, some in self._lists]
            indices = iter(tf.split(places, sizes, num=sum(counts)))
            dense_shapes = iter(tf.unstack(shapes, sum(counts)))
            for (_, some), flat, of in zip(
                self._lists, values, tf.split(sizes, counts), strict=True
            ):
                for one, part in zip(some, tf.split(flat, of, num=len(some)), strict=True):
                    found[one.key] = tf.SparseTensor(next(indices), part, next(dense_shapes))
        return {key: found[key] for key in self._keys}


def _beside(arrays: Sequence[Any], axis: int) -> Any:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis)
