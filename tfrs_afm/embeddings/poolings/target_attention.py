"""Attention over a sequence, with the target as query."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members
from tfrs_afm.embeddings.poolings.normalized import normalized
from tfrs_afm.embeddings.poolings.pooling import Pooling


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class TargetAttention(Pooling):
    """Weighs each id of a sequence by how it matches the target: the DIN activation unit.

        a_i = w . sigmoid(W [v_i, q, v_i - q, v_i * q] + b) + c,    output = sum_i a_i x_i v_i
    where q is the vector of the target field. Without softmax, as in the paper, the strength of a
    user's interest is kept; with it, the weights of an example sum to 1.
    Reference: Zhou et al. 2018, https://arxiv.org/abs/1706.06978, section 4.3.

    Args:
        query: Name of the target's column, which must have a plain combiner.
        units: Widths of the hidden layers of the activation unit.
        softmax: Whether to normalise the weights of each example by a softmax.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> film = fc.categorical_column_with_identity("film", 10)
        >>> embed = tfrs_afm.FieldEmbedding(
        ...     tfrs_afm.shared_embeddings([seen, film], 4),
        ...     pooling={
        ...         "seen_shared_embedding": tfrs_afm.embeddings.TargetAttention(
        ...             query="film_shared_embedding"
        ...         )
        ...     },
        ... )
        >>> features = {"seen": tf.ragged.constant([[1, 2], []], tf.int64), "film": [[3], [4]]}
        >>> embed(features).mask.numpy().tolist()
        [[True, True], [False, True]]
    """

    def __init__(
        self, query: str, units: Sequence[int] = (36,), *, softmax: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not units or min(units) < 1:
            raise ValueError(
                f"`units` must hold positive widths. Received: units={list(units)}. Pass [36], say."
            )
        self.query = query
        self.units = list(units)
        self.softmax = softmax

    def build(self, input_shape: Any) -> None:
        """Makes the activation unit."""
        layers = [tf.keras.layers.Dense(width, "sigmoid") for width in self.units]
        self.unit = tf.keras.Sequential([*layers, tf.keras.layers.Dense(1)])
        super().build(input_shape)

    def member_weights(self, rows: Any, members: Members, query: Any) -> Any:
        """Returns how each member matches the query of its example."""
        target = tf.gather(query, members.rows)
        match = tf.concat([rows, target, rows - target, rows * target], axis=1)  # (count, 4 * dim)
        scores = self.unit(match)[:, 0]
        if self.softmax:
            top = tf.math.unsorted_segment_max(scores, members.rows, members.num_rows)
            return normalized(tf.exp(scores - tf.gather(top, members.rows)), members)
        if members.values is not None:
            scores *= tf.cast(members.values, scores.dtype)
        return scores

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "query": self.query,
            "units": self.units,
            "softmax": self.softmax,
        }
