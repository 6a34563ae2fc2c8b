"""Sequence columns one by one, for people who come from `SequenceFeatures`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.column_encoder import Members
from tfrs_afm.columns.field import Field
from tfrs_afm.embeddings.column_embedding import ColumnEmbedding
from tfrs_afm.embeddings.combine import combine, spread


class SequenceFields(NamedTuple):
    """Embedded sequences by column name; each column has a length T of its own.

    Attributes:
        embeddings: Dict to `(batch, T, dim)` floats.
        lengths: Dict to `(batch,)` int64.
        masks: Dict to `(batch, T)` bool, True for a real id.
    """

    embeddings: Any
    lengths: Any
    masks: Any


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class SequenceEmbedding(ColumnEmbedding):
    """Embeds sequence columns without pooling, each by itself.

    `tf.keras.experimental.SequenceFeatures` refuses columns that differ in length and returns no
    mask; this layer returns, for each column, the embeddings, the lengths and the mask. Its
    vectors and lengths are those of `SequenceFeatures`. Of weighted columns, which that refuses, a
    place shows `x_i v_i` as in `IdEmbedding`: a combiner would divide a single id by its value.

    Args:
        columns: Feature columns with unique names; columns that are not sequences are sequences of
            their ids.
        dim: Length of the vectors of columns that do not say it themselves.
        l2: L2 regularization of the rows that a batch looks up.
        tables: Tables to use instead of new ones, by name.

    Call arguments:
        features: Dict from feature name to Tensor (-1 and '' are padding), SparseTensor or
            RaggedTensor.

    Returns:
        `SequenceFields(embeddings, lengths, masks)`, dicts by column name to `(batch, T, dim)`,
        `(batch,)` and `(batch, T)`.

    Raises:
        TypeError: If a column is numeric without being a sequence.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> embed = tfrs_afm.SequenceEmbedding([fc.embedding_column(seen, 4)])
        >>> fields = embed({"seen": tf.ragged.constant([[1, 2], []], tf.int64)})
        >>> fields.lengths["seen_embedding"].numpy().tolist()
        [2, 0]
    """

    def __init__(
        self,
        columns: Sequence[Any],
        dim: int | None = None,
        *,
        l2: float = 0.0,
        tables: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(columns, dim, linear=False, l2=l2, tables=tables, **kwargs)
        for field in self._fields:
            if field.categorical is None and not field.sequence:
                raise TypeError(
                    "`columns` must be sequences. Received: columns with NumericColumn for field "
                    f"'{field.name}'. Use `tf.feature_column.sequence_numeric_column`."
                )

    def call(self, features: Mapping[str, Any]) -> SequenceFields:
        """Embeds a batch; see the class."""
        cache = self._encoder.read(features, self._fields)
        embeddings, lengths, masks = {}, {}, {}
        encoded = self._encoder.encode(self._fields, cache, each_alone=True)
        for field, members in zip(self._fields, encoded, strict=True):
            vectors, mask = self._sequence(field, members)
            embeddings[field.name], masks[field.name] = self._small(vectors, [field]), mask
            lengths[field.name] = self._encoder.lengths(field, cache)
        return SequenceFields(embeddings, lengths, masks)

    def _sequence(self, field: Field, members: Members) -> tuple[Any, Any]:
        part = self._look_up(field, members)
        if field.categorical is None or members.values is not None:
            return spread(part.rows, part.members)
        # Several ids at one place are combined as the column says, each place by itself.
        place = members.rows * members.length + members.positions
        combined = combine(
            part.rows,
            members._replace(rows=place, num_rows=members.num_rows * members.length),
            field.combiner,
        )
        shape = tf.stack([members.num_rows, members.length])
        full = tf.concat([shape, tf.constant([self.dim], tf.int64)], 0)
        mask = tf.scatter_nd(place[:, tf.newaxis], tf.ones_like(place), tf.reduce_prod(shape)[None])
        vectors = tf.reshape(combined, full)  # (batch * T, dim) to (batch, T, dim)
        return tf.ensure_shape(vectors, [None, None, self.dim]), tf.reshape(mask > 0, shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["linear"]
        return config
