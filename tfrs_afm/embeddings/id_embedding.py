"""Feature columns to one vector per id."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.embeddings.column_embedding import ColumnEmbedding
from tfrs_afm.embeddings.combine import spread


class IdFields(NamedTuple):
    """Embedded ids of a batch; the first three go into an interaction as fields do.

    Attributes:
        vectors: `(batch, n, dim)`, `v_i x_i` of each id; zeros where it is masked.
        mask: `(batch, n)` bool, True for a real id.
        linear: `(batch, n)`, `w_i x_i` of each id; None without linear weights.
        fields: `(n,)` int32, the column each place belongs to, as an index into the columns.
    """

    vectors: Any
    mask: Any
    linear: Any
    fields: Any


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class IdEmbedding(ColumnEmbedding):
    """Embeds feature columns: one vector for every single id, unpooled.

    For crossing at id level: each id of a behaviour sequence, of several sequences and of the
    target becomes a member of pairs. The ids of all columns stand in one list, column after
    column in declared order, each column padded to the longest example of the batch and masked.

    Args:
        columns: Feature columns with unique names.
        dim: Length of the vectors of columns that do not say it themselves. Default: that of the
            other columns.
        linear: Whether to hold linear weights. Default: True.
        l2: L2 regularization of the rows that a batch looks up.
        tables: Tables to use instead of new ones, by name, for example `FieldEmbedding.tables` to
            share all weights with a layer that pools the same columns.

    Call arguments:
        features: Dict from feature name to Tensor (-1 and '' are padding), SparseTensor or
            RaggedTensor.

    Returns:
        `IdFields(vectors (batch, n, dim), mask (batch, n), linear (batch, n), fields (n,))`.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> film = fc.categorical_column_with_identity("film", 10)
        >>> embed = tfrs_afm.IdEmbedding(tfrs_afm.shared_embeddings([seen, film], 4))
        >>> ids = embed({"seen": tf.ragged.constant([[1, 2], [3]], tf.int64), "film": [[5], [6]]})
        >>> ids.mask.numpy().tolist(), ids.fields.numpy().tolist()
        ([[True, True, True], [True, False, True]], [0, 0, 1])
    """

    def call(self, features: Mapping[str, Any]) -> IdFields:
        """Embeds a batch; see the class."""
        cache = self._encoder.read(features, self._fields)
        vectors, masks, linear, owners = [], [], [], []
        for index, field in enumerate(self._fields):
            if field.categorical is None and not field.sequence:
                values, mask, rows, weights = self._numbers(field, cache)
                vector = values[:, :, tf.newaxis] * rows  # (batch, size, dim)
                weight = None if weights is None else values * weights[:, 0]
            else:
                (members,) = self._encoder.encode([field], cache, each_alone=True)
                part = self._look_up(field, members)
                vector, mask = spread(part.rows, part.members)
                if field.categorical is None:  # a mean counts the place of a 0; alone it is none
                    sizes = tf.abs(members.values)[:, tf.newaxis]
                    mask &= spread(sizes, part.members)[0][:, :, 0] > 0
                weight = None
                if part.weights is not None:
                    weight = spread(part.weights, part.members)[0][:, :, 0]
            vectors.append(self._small(vector, [field]))
            masks.append(mask)
            linear.append(self._small(weight, [field]))
            owners.append(tf.fill([tf.shape(mask)[1]], index))
        return IdFields(
            tf.concat(vectors, axis=1),  # (batch, n, dim)
            tf.concat(masks, axis=1),
            tf.concat(linear, axis=1) if self.linear else None,
            tf.concat(owners, axis=0),
        )
