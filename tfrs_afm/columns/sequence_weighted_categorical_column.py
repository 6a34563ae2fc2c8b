"""A value for each id of a sequence."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.entries import entries


class _Parts(NamedTuple):
    categorical_column: Any
    weight_feature_key: str
    dtype: Any


class SequenceWeightedCategoricalColumn(_Parts, tf.__internal__.feature_column.FeatureColumn):
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
    categorical_column: Any, weight_feature_key: str, dtype: Any = tf.float32
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
