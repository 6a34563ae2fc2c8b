"""Crosses of sequences, place by place."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.entries import entries


class _Parts(NamedTuple):
    keys: tuple[Any, ...]
    hash_bucket_size: int
    hash_key: int | None


class SequenceCrossedColumn(_Parts, tf.__internal__.feature_column.FeatureColumn):
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
