"""Sequence columns that TensorFlow lacks: crossed, bucketized, weighted."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.types import Column, DType, Tensor


class _CrossedParts(NamedTuple):
    keys: tuple[Any, ...]
    hash_bucket_size: int
    hash_key: int | None


class SequenceCrossedColumn(_CrossedParts, tf.__internal__.feature_column.FeatureColumn):
    """A sequence of hashed crosses; made by `sequence_crossed_column`."""

    @property
    def _is_v2_column(self) -> bool:
        return True

    @property
    def name(self) -> str:
        """Name of the column, as TensorFlow names crossed columns."""
        return "_X_".join(sorted(key.name for key in self.keys))

    @property
    def num_buckets(self) -> int:
        """Number of hash buckets."""
        return self.hash_bucket_size

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """The specs of the crossed columns."""
        return {name: spec for key in self.keys for name, spec in key.parse_example_spec.items()}

    @property
    def parents(self) -> list[Any]:
        """The crossed columns."""
        return list(self.keys)

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the hashed cross at each place as a SparseTensor."""
        parts = [
            entries(key.get_sparse_tensors(transformation_cache, state_manager)[0])
            for key in self.keys
        ]
        first = parts[0]
        for key, part in zip(self.keys[1:], parts[1:], strict=True):
            message = (
                f"`keys` must have ids at the same places. Received: '{self.keys[0].name}' and "
                f"'{key.name}' for field '{self.name}' with different places."
            )
            tf.debugging.assert_equal(tf.shape(first.indices), tf.shape(part.indices), message)
            tf.debugging.assert_equal(first.indices, part.indices, message)
        # Each place becomes a row of its own, so that only what stands there is crossed.
        count = tf.shape(first.values, tf.int64)[0]
        index = tf.stack([tf.range(count), tf.zeros([count], tf.int64)], axis=1)
        shape = tf.stack([count, tf.constant(1, tf.int64)])
        rows = [tf.SparseTensor(index, part.values, shape) for part in parts]
        crossed = tf.sparse.cross_hashed(rows, self.hash_bucket_size, self.hash_key)
        return tf.SparseTensor(first.indices, crossed.values, first.dense_shape)

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> tuple[Any, Any]:
        """Returns the ids of the crosses, and None for their values."""
        return transformation_cache.get(self, state_manager), None

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration from which `from_config` makes an equal column."""
        serialize = tf.__internal__.feature_column.serialize_feature_column
        return {
            "keys": [serialize(key) for key in self.keys],
            "hash_bucket_size": self.hash_bucket_size,
            "hash_key": self.hash_key,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None
    ) -> "SequenceCrossedColumn":
        """Makes the column that `get_config` described."""
        deserialize = tf.__internal__.feature_column.deserialize_feature_column
        keys = [deserialize(key, custom_objects, columns_by_name) for key in config["keys"]]
        return cls(tuple(keys), config["hash_bucket_size"], config["hash_key"])


def sequence_crossed_column(
    keys: Sequence[Any], hash_bucket_size: int, hash_key: int | None = None
) -> SequenceCrossedColumn:
    """Crosses sequences place by place: what was bought with how it was paid, say.

    TensorFlow's `crossed_column` over sequences refuses to be a sequence. The hash is the one of
    `tf.feature_column.crossed_column`.

    Args:
        keys: Two or more `sequence_categorical_column_with_*`, with ids at the same places.
        hash_bucket_size: Number of buckets. Above 1.
        hash_key: Key of the hash. Default: TensorFlow's.

    Returns:
        A column for `tf.feature_column.embedding_column` or `tfrs_afm.shared_embeddings`.

    Raises:
        TypeError: If one of the keys is not a sequence of ids.
        ValueError: If there are fewer than two, or fewer than two buckets.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> item = fc.sequence_categorical_column_with_identity("item", 100)
        >>> action = fc.sequence_categorical_column_with_identity("action", 3)
        >>> tfrs_afm.sequence_crossed_column([item, action], 1000).name
        'action_X_item'
    """
    for key in keys:
        if type(key).__name__ != "SequenceCategoricalColumn":
            raise TypeError(
                "`keys` must be sequence categorical columns. Received: "
                f"keys with {type(key).__name__}. For columns that are not sequences use "
                "`tf.feature_column.crossed_column`."
            )
    if len(keys) < 2:
        raise ValueError(
            f"`keys` must be two or more. Received: keys={list(keys)}. Add a column to cross with."
        )
    if hash_bucket_size < 2:
        raise ValueError(
            "`hash_bucket_size` must be above 1. Received: "
            f"hash_bucket_size={hash_bucket_size}. Use about as many as there are combinations."
        )
    return SequenceCrossedColumn(tuple(keys), hash_bucket_size, hash_key)


class _BucketizedParts(NamedTuple):
    source_column: Any
    boundaries: tuple[float, ...]


class SequenceBucketizedColumn(_BucketizedParts, tf.__internal__.feature_column.FeatureColumn):
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
        """Returns the bucket of each number as a SparseTensor; -1 for NaN."""
        numbers = transformation_cache.get(self.source_column, state_manager)
        if not isinstance(numbers, tf.SparseTensor):
            numbers = tf.sparse.from_dense(numbers)
        buckets = tf.raw_ops.Bucketize(
            input=tf.cast(numbers.values, tf.float32), boundaries=list(self.boundaries)
        )
        width = tf.TensorShape(self.source_column.shape).num_elements()
        element = numbers.indices[:, -1] % width
        ids = tf.cast(buckets, tf.int64) + element * (len(self.boundaries) + 1)
        missing = tf.math.is_nan(tf.cast(numbers.values, tf.float32))
        ids = tf.where(missing, tf.constant(-1, tf.int64), ids)  # below no bound: the last bucket
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
    source_column: Column, boundaries: Sequence[float]
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


class _WeightedParts(NamedTuple):
    categorical_column: Any
    weight_feature_key: str
    dtype: Any


class SequenceWeightedCategoricalColumn(
    _WeightedParts, tf.__internal__.feature_column.FeatureColumn
):
    """A sequence of ids with a value each; made by `sequence_weighted_categorical_column`."""

    @property
    def _is_v2_column(self) -> bool:
        return True

    @property
    def name(self) -> str:
        """Name of the column, as TensorFlow names weighted columns."""
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def num_buckets(self) -> int:
        """Number of ids."""
        return self.categorical_column.num_buckets

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """The spec of the ids and of their values."""
        spec = dict(self.categorical_column.parse_example_spec)
        if self.weight_feature_key in spec:
            raise ValueError(
                "`weight_feature_key` must name another feature than the ids. Received: "
                f"weight_feature_key={self.weight_feature_key!r}. Name the feature of the values."
            )
        spec[self.weight_feature_key] = tf.io.VarLenFeature(self.dtype)
        return spec

    @property
    def parents(self) -> list[Any]:
        """The categorical column and the feature of the values."""
        return [self.categorical_column, self.weight_feature_key]

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the ids and their values as SparseTensors of one shape."""
        ids, _ = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        ids = entries(ids)
        values = transformation_cache.get(self.weight_feature_key, state_manager)
        if not isinstance(values, tf.SparseTensor):
            # Beside dense ids stand dense values; those at padding are not read.
            values = values[:, tf.newaxis] if values.shape.rank == 1 else values
            check = tf.debugging.assert_equal(
                tf.shape(values, tf.int64),
                ids.dense_shape,
                f"`{self.weight_feature_key}` must have one value per id. Received for "
                f"field '{self.name}' values and ids of these shapes. Pad both to one length.",
            )
            with tf.control_dependencies([] if check is None else [check]):
                taken = tf.gather_nd(values, ids.indices)
            values = tf.SparseTensor(ids.indices, taken, ids.dense_shape)
        return ids, tf.SparseTensor(
            values.indices, tf.cast(values.values, tf.float32), values.dense_shape
        )

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> tuple[Any, Any]:
        """Returns ids and values."""
        return transformation_cache.get(self, state_manager)

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration from which `from_config` makes an equal column."""
        serialize = tf.__internal__.feature_column.serialize_feature_column
        return {
            "categorical_column": serialize(self.categorical_column),
            "weight_feature_key": self.weight_feature_key,
            "dtype": self.dtype.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None
    ) -> "SequenceWeightedCategoricalColumn":
        """Makes the column that `get_config` described."""
        deserialize = tf.__internal__.feature_column.deserialize_feature_column
        inner = deserialize(config["categorical_column"], custom_objects, columns_by_name)
        return cls(inner, config["weight_feature_key"], tf.as_dtype(config["dtype"]))


def sequence_weighted_categorical_column(
    categorical_column: Column, weight_feature_key: str, dtype: DType = tf.float32
) -> SequenceWeightedCategoricalColumn:
    """Gives each id of a sequence a value, the x_i that multiplies its vector.

    TensorFlow's `weighted_categorical_column` refuses sequence columns.

    Args:
        categorical_column: A `sequence_categorical_column_with_*`.
        weight_feature_key: Feature with one value per id, in the order of the ids.
        dtype: Type of the values in the examples, a floating or integer type.

    Returns:
        A column for `tf.feature_column.embedding_column` or `tfrs_afm.shared_embeddings`.

    Raises:
        TypeError: If the column is not a sequence of ids, or the type is not a number's.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> seen = tf.feature_column.sequence_categorical_column_with_identity("seen", 10)
        >>> rated = tfrs_afm.sequence_weighted_categorical_column(seen, "rating")
        >>> embed = tfrs_afm.FieldEmbedding([tf.feature_column.embedding_column(rated, 4)])
        >>> embed({"seen": tf.ragged.constant([[1, 2]], tf.int64),
        ...        "rating": tf.ragged.constant([[5.0, 1.0]])}).vectors.shape
        TensorShape([1, 1, 4])
    """
    if type(categorical_column).__name__ != "SequenceCategoricalColumn":
        raise TypeError(
            "`categorical_column` must be a sequence categorical column. Received: "
            f"categorical_column={type(categorical_column).__name__}. For a column that is not a "
            "sequence use `tf.feature_column.weighted_categorical_column`."
        )
    dtype = tf.as_dtype(dtype)
    if not (dtype.is_floating or dtype.is_integer):
        raise TypeError(
            f"`dtype` must be a number's. Received: dtype={dtype.name}. Use tf.float32."
        )
    return SequenceWeightedCategoricalColumn(categorical_column, weight_feature_key, dtype)


def entries(ids: Tensor) -> Tensor:
    """Drops the third axis that TensorFlow gives to sequences with one id a place.

    Args:
        ids: SparseTensor `(batch, T)` or `(batch, T, 1)`.

    Returns:
        SparseTensor `(batch, T)`.
    """
    return tf.SparseTensor(ids.indices[:, :2], ids.values, ids.dense_shape[:2])
