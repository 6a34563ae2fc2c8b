"""Newer ids weigh more."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members
from tfrs_afm.embeddings.poolings.age_of import age_of
from tfrs_afm.embeddings.poolings.check_newest import check_newest
from tfrs_afm.embeddings.poolings.normalized import normalized
from tfrs_afm.embeddings.poolings.pooling import Pooling


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class RecencyDecay(Pooling):
    """Averages a sequence with weights that halve every so many ids.

        output = sum_i d_i x_i v_i / sum_i d_i x_i,    d_i = 2^(-age_i / half_life)
    where age counts the newer members of the example, 0 for the newest.

    Args:
        half_life: Number of ids after which a weight is halved. Positive.
        newest: "last" if the last id of a sequence is the newest, "first" if the first is.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> embed = tfrs_afm.FieldEmbedding(
        ...     [fc.embedding_column(seen, 4)],
        ...     pooling={"seen_embedding": tfrs_afm.embeddings.RecencyDecay(half_life=5)},
        ... )
        >>> embed({"seen": tf.ragged.constant([[1, 2, 3], []], tf.int64)}).vectors.shape
        TensorShape([2, 1, 4])
    """

    def __init__(self, half_life: float, newest: str = "last", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if half_life <= 0:
            raise ValueError(
                f"`half_life` must be positive. Received: half_life={half_life}. Use 10, say."
            )
        self.half_life = half_life
        self.newest = check_newest(newest)

    def member_weights(self, rows: Any, members: Members, query: Any) -> Any:
        """Returns weights that fall with age and sum to 1 in each example."""
        age = tf.cast(age_of(members, self.newest), rows.dtype)
        return normalized(tf.pow(tf.constant(2.0, rows.dtype), -age / self.half_life), members)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "half_life": self.half_life, "newest": self.newest}
