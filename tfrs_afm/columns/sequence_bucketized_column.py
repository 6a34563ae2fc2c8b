"""Buckets of a sequence of numbers."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf


class _Parts(NamedTuple):
    source_column: Any
    boundaries: tuple[float, ...]


class SequenceBucketizedColumn(_Parts, tf.__internal__.feature_column.FeatureColumn):
    """A sequence of bucket ids; made by `sequence_bucketized_column`."""

    @property
    def _is_v2_column(self) -> bool:
        return True

    @property
    def name(self) -> str:
        """Name of the column, as TensorFlow names bucketized columns."""
        return f"{self.source_column.name}_bucketized"

    @property
    def num_buckets(self) -> int:
        """Number of buckets, for each element of the source's shape."""
        elements = tf.TensorShape(self.source_column.shape).num_elements()
        return (len(self.boundaries) + 1) * elements

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """The spec of the source column."""
        return self.source_column.parse_example_spec

    @property
    def parents(self) -> list[Any]:
        """The source column."""
        return [self.source_column]

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the bucket of each number as a SparseTensor."""
        numbers = transformation_cache.get(self.source_column, state_manager)
        if not isinstance(numbers, tf.SparseTensor):
            numbers = tf.sparse.from_dense(numbers)
        buckets = tf.raw_ops.Bucketize(
            input=tf.cast(numbers.values, tf.float32), boundaries=list(self.boundaries)
        )
        width = tf.TensorShape(self.source_column.shape).num_elements()
        element = numbers.indices[:, -1] % width
        ids = tf.cast(buckets, tf.int64) + element * (len(self.boundaries) + 1)
        place = numbers.indices[:, 1]
        shape = numbers.dense_shape[:2]
        if numbers.shape.rank == 2:  # the elements of one place follow each other
            place, shape = place // width, tf.stack([shape[0], shape[1] // width])
        # One entry an element at each place, as TensorFlow's columns have several ids a place.
        indices = tf.stack([numbers.indices[:, 0], place, element], axis=1)
        return tf.SparseTensor(indices, ids, tf.concat([shape, [width]], 0))

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> tuple[Any, Any]:
        """Returns bucket ids, and None for their values."""
        return transformation_cache.get(self, state_manager), None

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration from which `from_config` makes an equal column."""
        serialize = tf.__internal__.feature_column.serialize_feature_column
        return {
            "source_column": serialize(self.source_column),
            "boundaries": list(self.boundaries),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None
    ) -> "SequenceBucketizedColumn":
        """Makes the column that `get_config` described."""
        deserialize = tf.__internal__.feature_column.deserialize_feature_column
        source = deserialize(config["source_column"], custom_objects, columns_by_name)
        return cls(source, tuple(config["boundaries"]))


def sequence_bucketized_column(
    source_column: Any, boundaries: Sequence[float]
) -> SequenceBucketizedColumn:
    """Cuts each number of a sequence into buckets, whose ids can be embedded.

    TensorFlow's `bucketized_column` refuses sequence columns. Buckets include their left boundary
    and exclude their right one, as there.

    Args:
        source_column: A `tf.feature_column.sequence_numeric_column`.
        boundaries: Ascending boundaries; n of them make n + 1 buckets.

    Returns:
        A column for `tf.feature_column.embedding_column` or `tfrs_afm.shared_embeddings`.

    Raises:
        TypeError: If the source is not a sequence of numbers.
        ValueError: If the boundaries are missing or do not ascend.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> ages = tf.feature_column.sequence_numeric_column("days_ago")
        >>> buckets = tfrs_afm.sequence_bucketized_column(ages, [1.0, 7.0, 30.0])
        >>> buckets.name, buckets.num_buckets
        ('days_ago_bucketized', 4)
    """
    if type(source_column).__name__ != "SequenceNumericColumn":
        raise TypeError(
            "`source_column` must be a sequence numeric column. Received: "
            f"source_column={type(source_column).__name__}. For a column that is not a sequence "
            "use `tf.feature_column.bucketized_column`."
        )
    bounds = tuple(float(bound) for bound in boundaries)
    if not bounds or any(left >= right for left, right in itertools.pairwise(bounds)):
        raise ValueError(
            f"`boundaries` must ascend. Received: boundaries={list(boundaries)}. Sort them, and "
            "drop what is double."
        )
    return SequenceBucketizedColumn(source_column, bounds)
