"""Pooling rules beyond a column's own combiner: last k, decay, extremes, target attention."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.column_encoder import Members
from tfrs_afm.embeddings.combine import combine, member_counts, segment_sum
from tfrs_afm.types import KerasLayer, Shape, Tensor


class Pooling(KerasLayer):
    """A rule that pools the members of a field; abstract.

    A rule is a Keras layer of its own, given to an embedding layer by column name. It works on the
    flat list of real members, so padding cannot reach it.

    Call arguments:
        rows: `(count, dim)`, the row of each member.
        linear: `(count, 1)`, the linear weight of each member, or None.
        members: The members; where they carry values, these multiply rows and linear weights.
        query: `(batch, dim)`, the vector of the field named by `query`, for rules that have one.

    Returns:
        `(batch, dim)` and `(batch, 1)` or None; zeros for an example without members.
    """

    query: str | None = None

    def __init__(self, **kwargs: Any) -> None:
        # The values of members keep their dtype: float16 would overflow.
        super().__init__(autocast=False, **kwargs)

    def call(
        self, rows: Tensor, linear: Tensor, members: Members, query: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Pools by the weights of the members; see the class."""
        weights = tf.cast(self.member_weights(rows, members, query), rows.dtype)[:, tf.newaxis]
        pooled = segment_sum(rows * weights, members.rows, members.num_rows)
        if linear is None:
            return pooled, None
        return pooled, segment_sum(linear * weights, members.rows, members.num_rows)

    def member_weights(self, rows: Tensor, members: Members, query: Tensor) -> Tensor:
        """Returns the `(count,)` weight of each member in the sum of its example."""
        raise TypeError(f"{type(self).__name__} must define `member_weights`, or `call`.")


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

    def member_weights(self, rows: Tensor, members: Members, query: Tensor) -> Tensor:
        """Returns equal weights for the newest k members of each example."""
        kept = age_of(members, self.newest) < self.k
        return normalized(tf.cast(kept, rows.dtype), members)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "k": self.k, "newest": self.newest}


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class RecencyDecay(Pooling):
    """Averages a sequence with weights that halve every `half_life` ids.

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

    def member_weights(self, rows: Tensor, members: Members, query: Tensor) -> Tensor:
        """Returns weights that fall with age and sum to 1 in each example."""
        age = tf.cast(age_of(members, self.newest), rows.dtype)
        return normalized(tf.pow(tf.constant(2.0, rows.dtype), -age / self.half_life), members)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "half_life": self.half_life, "newest": self.newest}


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

    def call(
        self, rows: Tensor, linear: Tensor, members: Members, query: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Pools a batch; see `Pooling`."""
        return extreme(tf.math.unsorted_segment_max, rows, linear, members)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Minimum(Pooling):
    """Takes, component by component, the smallest over the ids of an example.

        output_f = min over members i of x_i v_if
    Linear weights are averaged.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> embed = tfrs_afm.FieldEmbedding(
        ...     [fc.embedding_column(seen, 4)],
        ...     pooling={"seen_embedding": tfrs_afm.embeddings.Minimum()},
        ... )
        >>> embed({"seen": tf.ragged.constant([[1, 2, 3], []], tf.int64)}).vectors.shape
        TensorShape([2, 1, 4])
    """

    def call(
        self, rows: Tensor, linear: Tensor, members: Members, query: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Pools a batch; see `Pooling`."""
        return extreme(tf.math.unsorted_segment_min, rows, linear, members)


def extreme(
    segment: Callable[..., Any], rows: Tensor, linear: Tensor, members: Members
) -> tuple[Any, Any]:
    """Pools by an unsorted segment maximum or minimum; zeros for an empty example.

    Args:
        segment: `tf.math.unsorted_segment_max` or `tf.math.unsorted_segment_min`.
        rows: `(count, dim)`, the row of each member.
        linear: `(count, 1)` or None.
        members: The members.

    Returns:
        The extremes `(batch, dim)`, and the mean of the linear weights `(batch, 1)` or None.
    """
    if members.values is not None:
        rows *= tf.cast(members.values, rows.dtype)[:, tf.newaxis]
    pooled = segment(rows, members.rows, members.num_rows)
    # The extreme over nothing is the limit of the dtype; an empty example is zeros.
    counts = member_counts(members)
    pooled = tf.where(counts[:, tf.newaxis] > 0, pooled, tf.zeros_like(pooled))
    return pooled, None if linear is None else combine(linear, members, "mean")


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

    def build(self, input_shape: Shape) -> None:
        """Makes the activation unit."""
        layers = [tf.keras.layers.Dense(width, "sigmoid") for width in self.units]
        self.unit = tf.keras.Sequential([*layers, tf.keras.layers.Dense(1)])
        super().build(input_shape)

    def member_weights(self, rows: Tensor, members: Members, query: Tensor) -> Tensor:
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


def normalized(weights: Tensor, members: Members) -> Tensor:
    """Scales the weights of each example, times the members' values, so that they sum to 1.

    Args:
        weights: `(count,)` floats, not negative.
        members: The members; values that are not positive take no part.

    Returns:
        `(count,)`; zeros for an example whose weights are all zero.
    """
    if members.values is not None:
        weights *= tf.nn.relu(tf.cast(members.values, weights.dtype))
    total = tf.math.unsorted_segment_sum(weights, members.rows, members.num_rows)
    return tf.math.divide_no_nan(weights, tf.gather(total, members.rows))


def age_of(members: Members, newest: str) -> Tensor:
    """Counts how many real members of the same example are newer.

    Args:
        members: The members, in the order of their sequence.
        newest: "last" if the last id of a sequence is the newest, "first" if the first is.

    Returns:
        `(count,)` int64: 0 for the newest.
    """
    ones = tf.ones_like(members.rows)
    counts = tf.cast(member_counts(members), tf.int64)
    starts = tf.cumsum(counts, exclusive=True)
    place = tf.cumsum(ones, exclusive=True) - tf.gather(starts, members.rows)
    if newest == "first":
        return place
    return tf.gather(counts, members.rows) - 1 - place


def check_newest(newest: str) -> str:
    """Returns `newest`, or raises a ValueError if it is neither "last" nor "first"."""
    if newest not in ("last", "first"):
        raise ValueError(
            f"`newest` must be 'last' or 'first'. Received: newest={newest!r}. "
            "Say at which end of the sequence the newest id stands."
        )
    return newest
