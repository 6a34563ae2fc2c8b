"""Feature columns to one vector per field."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.column_encoder import ColumnEncoder
from tfrs_afm.columns.field import Field
from tfrs_afm.columns.fields_of import fields_of
from tfrs_afm.columns.serialization import deserialize_columns, serialize_columns
from tfrs_afm.columns.tables_of import tables_of
from tfrs_afm.embeddings.fields import Fields
from tfrs_afm.embeddings.pool_members import pool_members


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class FieldEmbedding(tf.keras.layers.Layer):
    """Embeds feature columns: one masked, pooled vector and one linear term per column.

    Each column is a field, in the order given. A categorical field pools the rows of its ids by
    the column's combiner, counting real ids only; a numeric field is `sum_i x_i v_i` over its
    elements; an indicator or bucketized column is a multi-hot x of the same form. Beside each
    `v_i` stands a weight `w_i` of its own, pooled in the same way: the linear term of the
    factorization machine. Columns made by `shared_embeddings` share their table, not their w.

    Args:
        columns: Feature columns with unique names.
        dim: Length of the vectors of columns that do not say it themselves (numeric, indicator,
            bucketized). Default: the dimension of the other columns.
        linear: Whether to hold linear weights. Default: True.
        l2: L2 regularization of the rows that a batch looks up: adds
            `l2 * (sum of their squares) / batch` to the loss, each distinct row counted once.

    Call arguments:
        features: Dict from feature name to Tensor (-1 and '' are padding), SparseTensor or
            RaggedTensor.

    Returns:
        `Fields(vectors (batch, n, dim), mask (batch, n), linear (batch, n))`.

    Raises:
        ValueError: If columns disagree in their dimension, or none says it.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> columns = [fc.embedding_column(seen, 4), fc.numeric_column("age")]
        >>> embed = tfrs_afm.FieldEmbedding(columns)
        >>> fields = embed({"seen": tf.ragged.constant([[1, 2], []], tf.int64),
        ...                 "age": tf.constant([30.0, 40.0])})
        >>> fields.vectors.shape, fields.mask.numpy().tolist()
        (TensorShape([2, 2, 4]), [[True, True], [False, True]])
    """

    def __init__(
        self,
        columns: Sequence[Any],
        dim: int | None = None,
        *,
        linear: bool = True,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        # Raw features keep their dtype: float16 would overflow on a number such as a timestamp.
        super().__init__(autocast=False, **kwargs)
        if l2 < 0:
            raise ValueError(f"`l2` must not be negative. Received: l2={l2}. Use 0 for none.")
        self._dim_argument = dim
        self.linear = linear
        self.l2 = l2
        self._fields = fields_of(columns)
        self.columns = list(columns)
        self._tables = tables_of(self._fields, dim)
        self.dim: int = next(iter(self._tables.values())).dimension or 0
        self._encoder = ColumnEncoder()

    @property
    def fields(self) -> list[Field]:
        """The fields, in declared order."""
        return list(self._fields)

    def build(self, input_shape: Any) -> None:
        """Makes the tables, in the order of their names, so that reordering columns is harmless."""
        self._rows = {
            name: self.add_weight(
                name=f"{name}/embedding_weights",
                shape=(table.rows, table.dimension),
                initializer=table.initializer
                or tf.keras.initializers.TruncatedNormal(stddev=self.dim**-0.5),
                trainable=table.trainable,
            )
            for name, table in sorted(self._tables.items())
        }
        self._weights_of = {
            field.name: self.add_weight(
                name=f"{field.name}/linear_weights",
                shape=(field.table.rows, 1),
                initializer="zeros",
            )
            for field in sorted(self._fields, key=lambda field: field.name)
            if self.linear
        }
        super().build(input_shape)

    def call(self, features: Mapping[str, Any]) -> Fields:
        """Embeds a batch; see the class."""
        return self.embed(features, self._fields)

    def embed(self, features: Mapping[str, Any], fields: Sequence[Field]) -> Fields:
        """Embeds some of the fields only.

        Args:
            features: Raw features; only those that `fields` read are needed.
            fields: The fields to embed, from `self.fields`.

        Returns:
            As for the call, with these fields in this order.
        """
        cache = self._encoder.read(features, fields)
        parts = [self._field(field, cache) for field in fields]
        vectors, masks, linear = zip(*parts, strict=True)
        return Fields(
            tf.stack(vectors, axis=1),  # (batch, n, dim)
            tf.stack(masks, axis=1),
            tf.concat(linear, axis=1) if self.linear else None,
        )

    def _field(self, field: Field, cache: Any) -> tuple[Any, Any, Any]:
        if field.categorical is None and not field.sequence:
            return self._numeric(field, cache)
        members = self._encoder.encode(field, cache)
        batch = members.num_rows
        distinct, index = tf.unique(members.ids)
        rows = self._lookup(field, distinct)
        self._add_l2(rows, batch)
        vectors = pool_members(rows, index, members, field.combiner)
        linear = None
        if self.linear:
            weights = tf.nn.embedding_lookup(self._weights_of[field.name], distinct)
            weights = tf.cast(weights, self.compute_dtype)
            linear = pool_members(weights, index, members, field.combiner)
        counts = tf.math.unsorted_segment_sum(tf.ones_like(members.rows), members.rows, batch)
        return vectors, counts > 0, linear

    def _numeric(self, field: Field, cache: Any) -> tuple[Any, Any, Any]:
        values = self._encoder.numbers(field, cache)
        mask = tf.reduce_any(values != 0, axis=1)
        values = tf.cast(values, self.compute_dtype)
        rows = self._lookup(field, tf.range(field.table.rows))
        self._add_l2(rows, tf.shape(values)[0])
        linear = None
        if self.linear:
            weights = tf.cast(self._weights_of[field.name], self.compute_dtype)
            linear = tf.matmul(values, weights)
        return tf.matmul(values, rows), mask, linear

    def _lookup(self, field: Field, ids: Any) -> Any:
        rows = tf.nn.embedding_lookup(self._rows[field.table.name], ids)
        if field.table.max_norm is not None:
            rows = tf.clip_by_norm(rows, field.table.max_norm, axes=[1])
        return tf.cast(rows, self.compute_dtype)

    def _add_l2(self, rows: Any, batch: Any) -> None:
        if self.l2:
            squares = tf.reduce_sum(tf.square(tf.cast(rows, tf.float32)))
            self.add_loss(self.l2 * tf.math.divide_no_nan(squares, tf.cast(batch, tf.float32)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, the columns serialized."""
        return {
            **super().get_config(),
            "columns": serialize_columns(self.columns),
            "dim": self._dim_argument,
            "linear": self.linear,
            "l2": self.l2,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FieldEmbedding":
        """Makes the layer that `get_config` described."""
        return cls(**{**config, "columns": deserialize_columns(config["columns"])})
