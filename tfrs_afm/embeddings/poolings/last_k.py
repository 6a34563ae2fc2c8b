"""The newest few of a sequence."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members
from tfrs_afm.embeddings.poolings.age_of import age_of
from tfrs_afm.embeddings.poolings.check_newest import check_newest
from tfrs_afm.embeddings.poolings.normalized import normalized
from tfrs_afm.embeddings.poolings.pooling import Pooling


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class LastK(Pooling):
    """Averages the newest k ids of a sequence.

        output = mean of x_i v_i over the k newest members i
    with fewer than k members: over all of them.

    Args:
        k: How many ids count. Positive.
        newest: "last" if the last id of a sequence is the newest, "first" if the first is.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> embed = tfrs_afm.FieldEmbedding(
        ...     [fc.embedding_column(seen, 4)],
        ...     pooling={"seen_embedding": tfrs_afm.embeddings.LastK(2)},
        ... )
        >>> embed({"seen": tf.ragged.constant([[1, 2, 3], []], tf.int64)}).vectors.shape
        TensorShape([2, 1, 4])
    """

    def __init__(self, k: int, newest: str = "last", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if k < 1:
            raise ValueError(f"`k` must be positive. Received: k={k}. Use 1 for the newest alone.")
        self.k = k
        self.newest = check_newest(newest)

    def member_weights(self, rows: Any, members: Members, query: Any) -> Any:
        """Returns equal weights for the newest k members of each example."""
        kept = age_of(members, self.newest) < self.k
        return normalized(tf.cast(kept, rows.dtype), members)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "k": self.k, "newest": self.newest}
