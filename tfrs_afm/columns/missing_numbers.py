"""Numbers that are missing: the default of their column, or no member."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.field import Field, columns_below
from tfrs_afm.types import Column, Tensor


class ReadFeatures(tf.__internal__.feature_column.FeatureTransformationCache):
    """Raw features, and what columns made of them so far, missing numbers settled.

    A NaN is what data frames and arrays hold where there is no number, and stands for the column's
    `default_value`, as an absent feature does when examples are parsed. It becomes that before the
    column's `normalizer_fn` and whatever buckets or crosses the number. Without a default it has
    no bucket and no cross.

    Args:
        tensors: Tensor or SparseTensor by feature.
        flats: The values of features that only joined fields read.
        fields: The fields that will be encoded.
    """

    def __init__(
        self, tensors: Mapping[str, Any], flats: Mapping[str, Any], fields: Sequence[Field]
    ) -> None:
        super().__init__(tensors)
        self.flats = flats
        self._settled: dict[Any, Any] = {}
        for column, numbers in _with_defaults(tensors, fields).items():
            only = tf.__internal__.feature_column.FeatureTransformationCache({column.key: numbers})
            self._settled[column] = column.transform_feature(only, None)

    def get(self, key: Any, state_manager: Any, training: bool | None = None) -> Any:
        """Returns a raw feature, or what a column makes of its own."""
        if key not in self._settled:
            if type(key).__name__ == "CrossedColumn" and any(map(may_lack_numbers, _leaves(key))):
                self._settled[key] = self._crossed(key, state_manager)
            elif type(key).__name__ == "BucketizedColumn" and may_lack_numbers(key):
                self._settled[key] = self._bucketized(key, state_manager)
            else:
                return super().get(key, state_manager, training)
        return self._settled[key]

    def _bucketized(self, column: Column, state_manager: Any) -> Tensor:
        """Buckets; those of NaN so far below 0 that they stay there where elements are told apart.

        TensorFlow's own is the last bucket: NaN is below no bound.
        """
        numbers = self.get(column.source_column, state_manager)
        buckets = super().get(column, state_manager)
        none = tf.constant(-column.num_buckets, buckets.dtype)
        return tf.where(tf.math.is_nan(numbers), none, buckets)

    def _crossed(self, column: Column, state_manager: Any) -> tf.SparseTensor:
        """TensorFlow's cross of what is there: it would hash an id below 0 like any other."""
        keys = []
        for key in _leaves(column):
            if not may_lack_numbers(key):
                keys.append(key)
                continue
            ids = key.get_sparse_tensors(self, state_manager).id_tensor
            keys.append(f"\0{key.name}")  # no feature is called so
            self._settled[keys[-1]] = tf.sparse.retain(ids, ids.values >= 0)
        return column._replace(keys=tuple(keys)).transform_feature(self, state_manager)


def may_lack_numbers(column: Column) -> bool:
    """Whether a column buckets numbers that may be missing; it then gives ids below 0.

    Args:
        column: A feature column, or the name of a feature.
    """
    kind = type(column).__name__
    if kind == "BucketizedColumn":
        return any(map(math.isnan, default_of(column.source_column) or (math.nan,)))
    return kind == "SequenceBucketizedColumn"


def default_of(column: Column) -> tuple[float, ...] | None:
    """The numbers, one an element, that stand for those missing of a `numeric_column`.

    Args:
        column: The column.

    Returns:
        None without a default, and where it is NaN: that says that they are no members.
    """
    if column.default_value is None:
        return None
    numbers = tuple(tf.nest.flatten(column.default_value))
    return None if all(map(math.isnan, numbers)) else numbers


def _with_defaults(tensors: Mapping[str, Any], fields: Sequence[Field]) -> dict[Any, Any]:
    """The numbers of columns with defaults, all of them compared with NaN at once."""
    found: dict[Any, Any] = {}
    columns = [column for column in _numeric(fields) if default_of(column)]
    dense = [one for one in columns if isinstance(tensors[one.key], tf.Tensor)]
    for dtype in dict.fromkeys(tensors[one.key].dtype for one in dense):
        if not dtype.is_floating:
            continue
        alike = [
            one
            for one in dense
            if tensors[one.key].dtype == dtype and tensors[one.key].shape.rank != 0
        ]
        # Columns that differ in their normalizers only read the same numbers.
        pieces = list(dict.fromkeys((one.key, default_of(one) or ()) for one in alike))
        if not pieces:
            continue
        flat = [_flat(tensors[key], len(default)) for key, default in pieces]
        defaults = tf.constant([number for _, default in pieces for number in default], dtype)
        numbers = tf.concat(flat, 1)
        numbers = tf.where(tf.math.is_nan(numbers), defaults, numbers)
        parts = tf.split(numbers, [len(default) for _, default in pieces], axis=1)
        by_piece = dict(zip(pieces, parts, strict=True))
        for one in alike:
            part = by_piece[one.key, default_of(one) or ()]
            shape = list(one.shape)
            found[one] = part if len(shape) == 1 else tf.reshape(part, [-1, *shape])
    return found


def _flat(numbers: Tensor, width: int) -> Tensor:
    if numbers.shape.rank == 2 and numbers.shape[1] == width:
        return numbers
    return tf.reshape(numbers, [-1, width])


def _numeric(fields: Sequence[Field]) -> list[Any]:
    return list(
        dict.fromkeys(
            column
            for field in fields
            for column in columns_below(field.column)
            if type(column).__name__ == "NumericColumn"
        )
    )


def _leaves(crossed: Column) -> Iterator[Any]:
    for key in crossed.keys:
        if type(key).__name__ == "CrossedColumn":
            yield from _leaves(key)
        else:
            yield key
