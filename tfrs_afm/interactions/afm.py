"""The attentional factorization machine."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions import arguments, formulas, tensorflow_ops
from tfrs_afm.interactions.attention_pooling import AttentionPooling
from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.interactions.linear import Linear
from tfrs_afm.interactions.pairs import PairwiseProduct
from tfrs_afm.interactions.vectors import masked_vectors, require_as_built, vectors_dim
from tfrs_afm.types import KerasLayer, Layer, Shape, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class AFM(KerasLayer):
    """Attentional factorization machine over vectors, to logits.

        logit = w0 + sum_i w_i x_i + p . sum_{i<j} a_ij (v_i * v_j) x_i x_j  [+ deep(v)]
    Reference: Xiao et al. 2017, https://arxiv.org/abs/1708.04617, equation 8.

    Args:
        attention_units: Width of the attention network, the paper's attention factor. Positive.
        dropout: Share of the pooled vector that training drops, as in the paper. In [0, 1).
        attention_dropout: Share of the attention weights that training drops. In [0, 1).
        attention_l2: L2 regularization of the attention's W, the paper's lambda.
        temperature: Divides the attention scores. Positive.
        deep: A `Deep` tower whose logit is added. Default: none.
        pooling: `AveragePooling()`, `SumPooling()`, `MaxPooling()`, `FieldPairWeights()`,
            `FieldPairMatrices()`, an `AttentionPooling` of your own, or a `BatchNormPooling` of one
            of these; it takes the place of the attention arguments. Default: attention by these.

    Call arguments:
        vectors: `(batch, n, dim)` floats, `v_i x_i`, or a list of n tensors `(batch, dim)`, so
            that it serves as `feature_interaction` of `tfrs.experimental.models.Ranking`.
        mask: `(batch, n)` bool, True for a real member. Default: all real.
        linear: `(batch, n)` floats, `w_i x_i`. Default: no linear terms.
        groups: `(n,)` ints in [0, n), for example the field of each id; pairs within one group are
            left out. Default: none is.
        branches: Whether to give the logits of the two branches, w0 + 2 (linear terms + pairs) and
            w0 + 2 deep, whose mean is the logit; with a tower only.

    Output shape: `(batch, 1)`, or `(batch, 2)` with `branches`.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tfrs_afm.interactions.AFM(attention_units=4)(tf.ones([2, 3, 8])).shape
        TensorShape([2, 1])
    """

    def __init__(
        self,
        attention_units: int = 16,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        attention_l2: float = 0.0,
        temperature: float = 1.0,
        deep: Layer | None = None,
        pooling: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        attention = {
            "attention_units": attention_units,
            "attention_dropout": attention_dropout,
            "attention_l2": attention_l2,
            "temperature": temperature,
        }
        if pooling is not None:
            arguments.check_attention_left_out(attention)
        self.attention_units = attention_units
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.attention_l2 = attention_l2
        self.temperature = temperature
        self.deep = deep
        self.pooling = pooling
        policy = self.dtype_policy  # parts compute in the precision of the whole
        self._linear = Linear(dtype=policy)
        self._product = PairwiseProduct(dtype=policy)
        self._pooling = pooling or AttentionPooling(
            attention_units, attention_dropout, attention_l2, temperature, dtype=policy
        )
        self._dropout = tf.keras.layers.Dropout(dropout, dtype=policy)
        for layer in (self._product, self._dropout):
            layer.built = True  # the kernels do their work; Keras warns of layers never called

    @property
    def has_branches(self) -> bool:
        """Whether there are two branches to train apart: pairs, and a tower."""
        return self.deep is not None

    @property
    def pairs_pooling(self) -> Layer:
        """The layer that reduces the pairs to one vector a row, read-only.

        It is `pooling` where one was given, otherwise the `AttentionPooling` that the attention
        arguments describe. Read its weights here, or compute its sums elsewhere in parts.

        Example:
            >>> import tfrs_afm
            >>> tfrs_afm.interactions.AFM(attention_units=4).pairs_pooling.units
            4
        """
        return self._pooling

    def build(self, input_shape: Shape) -> None:
        """Makes p."""
        # All ones, as the authors start: with equal attention the model begins as an FM.
        shape = (vectors_dim(input_shape), 1)
        self.projection = self.add_weight(name="projection", shape=shape, initializer="ones")
        if not self._pooling.built:
            with tf.name_scope(self._pooling.name):
                self._pooling.build((None, _num_pairs(input_shape), shape[0]))
        super().build(input_shape)

    def call(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
        training: bool | None = None,
        *,
        branches: bool = False,
    ) -> Tensor:
        """Scores a batch; see the class."""
        vectors, mask = masked_vectors(vectors, mask)
        require_as_built(vectors, 2, self.projection.shape[0])
        pooled = self._pooling.pool_members(vectors, mask, groups, training=training)
        pooled = self._dropout(pooled, training=training)
        logits = tf.matmul(pooled, self.projection)
        logits += self._linear(linear, mask=mask, batch=tf.shape(vectors)[0])
        if self.deep is None:
            return logits
        deep = tf.cast(self.deep(vectors, mask=mask, training=training), logits.dtype)
        if branches:
            return formulas.two_branches(tensorflow_ops, logits, deep, self._linear.bias)
        return logits + deep

    def pooled(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        groups: Tensor | None = None,
        *,
        training: bool | None = None,
    ) -> Tensor:
        """Pools the pairs without making a logit of them, for a head of your own.

        Args:
            vectors: As in the call.
            mask: As in the call.
            groups: As in the call.
            training: Whether dropout applies.

        Returns:
            `(batch, dim)`, `sum_{i<j} a_ij (v_i * v_j) x_i x_j`; zeros where a row has no real
            pair. The logit is `w0 + sum_i w_i x_i + p . pooled`.
        """
        vectors, mask = masked_vectors(vectors, mask)
        if not self.built:
            with tf.name_scope(self.name):
                self.build(vectors.shape)
        require_as_built(vectors, 2, self.projection.shape[0])
        pooled = self._pooling.pool_members(vectors, mask, groups, training=training)
        return self._dropout(pooled, training=training)

    def contributions(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
    ) -> Contributions:
        """Splits the logits into the parts they are the sum of.

        Args:
            vectors: As in the call.
            mask: As in the call.
            linear: As in the call.
            groups: As in the call.

        Returns:
            The parts; a pair's share is `a_ij p . (v_i * v_j) x_i x_j`. Of `MaxPooling` a pair's
            attention is the part of the elements that it gives.
        """
        vectors, mask = masked_vectors(vectors, mask)
        pairs_of: Any = getattr(self._pooling, "pairs_of", self._product)
        pairs, pair_mask = pairs_of(vectors, mask=mask, groups=groups)
        attention = self._pooling.attention(pairs, pair_mask)
        projection, bias = self.projection[:, 0], self._linear.bias[0]
        if hasattr(self._pooling, "affine"):  # what is added to every pooled vector is nobody's
            scale, offset = self._pooling.affine()
            projection, bias = projection * scale, bias + tf.reduce_sum(projection * offset)
        return formulas.contributions(
            tensorflow_ops,
            pairs,
            attention,
            mask,
            projection=projection,
            bias=bias,
            linear=linear,
            deep=None if self.deep is None else self.deep(vectors, mask=mask),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "attention_units": self.attention_units,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "attention_l2": self.attention_l2,
            "temperature": self.temperature,
            "deep": self.deep and tf.keras.layers.serialize(self.deep),
            "pooling": self.pooling and tf.keras.layers.serialize(self.pooling),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AFM":
        """Makes the layer that `get_config` described."""
        parts = {
            name: config[name] and tf.keras.layers.deserialize(config[name])
            for name in ("deep", "pooling")
        }
        # Files of earlier releases may hold attention arguments that their pooling overruled.
        unused = arguments.ATTENTION if parts["pooling"] is not None else {}
        return cls(**{**config, **parts, **unused})


def _num_pairs(shape: Shape) -> int | None:
    """How many pairs members of this shape, or of a list of shapes, have; None if not static."""
    n = len(shape) if isinstance(shape, list) else shape[1]
    return None if n is None else n * (n - 1) // 2
