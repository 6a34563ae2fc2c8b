"""The largest of each component."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members
from tfrs_afm.embeddings.poolings.extreme import extreme
from tfrs_afm.embeddings.poolings.pooling import Pooling


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Maximum(Pooling):
    """Takes, component by component, the largest over the ids of an example.

        output_f = max over members i of x_i v_if
    Linear weights are averaged.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> embed = tfrs_afm.FieldEmbedding(
        ...     [fc.embedding_column(seen, 4)],
        ...     pooling={"seen_embedding": tfrs_afm.embeddings.Maximum()},
        ... )
        >>> embed({"seen": tf.ragged.constant([[1, 2, 3], []], tf.int64)}).vectors.shape
        TensorShape([2, 1, 4])
    """

    def call(self, rows: Any, linear: Any, members: Members, query: Any = None) -> tuple[Any, Any]:
        """Pools a batch; see `Pooling`."""
        return extreme(tf.math.unsorted_segment_max, rows, linear, members)
