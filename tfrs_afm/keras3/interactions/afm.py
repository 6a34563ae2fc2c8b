"""The attentional factorization machine."""

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import arguments, formulas
from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.keras3.interactions.attention_pooling import AttentionPooling
from tfrs_afm.keras3.interactions.linear import Linear
from tfrs_afm.keras3.interactions.members import MemberLayer, build_once, members_shape, with_layers

if TYPE_CHECKING:
    from tfrs_afm.types import Layer, Shape, Tensor


@keras.saving.register_keras_serializable(package="tfrs_afm")
class AFM(MemberLayer):
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
        vectors: `(batch, n, dim)` floats, `v_i x_i`, or a list of n tensors `(batch, dim)`, as
            embedding layers of one id each give them.
        mask: `(batch, n)` bool, True for a real member. Default: the mask that Keras passes along
            with the vectors, as of `Embedding(mask_zero=True)`, otherwise all real.
        linear: `(batch, n)` floats, `w_i x_i`. Default: no linear terms.
        groups: `(n,)` ints, for example the field of each id; pairs within one group are left out.
            Default: none is.
        branches: Whether to give the logits of the two branches, w0 + 2 (linear terms + pairs) and
            w0 + 2 deep, whose mean is the logit; with a tower only.

    Output shape: `(batch, 1)`, or `(batch, 2)` with `branches`.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> tuple(interactions.AFM(attention_units=4)(keras.ops.ones([2, 3, 8])).shape)
        (2, 1)
    """

    def __init__(
        self,
        attention_units: int = 16,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        attention_l2: float = 0.0,
        temperature: float = 1.0,
        deep: "Layer | None" = None,
        pooling: "Layer | None" = None,
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
        self._pooling = pooling or AttentionPooling(
            attention_units, attention_dropout, attention_l2, temperature, dtype=policy
        )
        self._dropout = keras.layers.Dropout(dropout, dtype=policy)

    @property
    def has_branches(self) -> bool:
        """Whether there are two branches to train apart: pairs, and a tower."""
        return self.deep is not None

    @property
    def pairs_pooling(self) -> "Layer":
        """The layer that reduces the pairs to one vector a row, read-only."""
        return self._pooling

    def build(self, input_shape: "Shape") -> None:
        """Makes p, and the weights of the parts."""
        n, dim = members_shape(input_shape)
        # All ones, as the authors start: with equal attention the model begins as an FM.
        self.projection = self.add_weight(name="projection", shape=(dim, 1), initializer="ones")
        build_once(self._pooling, (None, None if n is None else n * (n - 1) // 2, dim))
        build_once(self._linear, None)
        if self.deep is not None:
            build_once(self.deep, (None, n, dim))

    def call(
        self,
        vectors: "Tensor",
        mask: "Tensor | None" = None,
        linear: "Tensor | None" = None,
        groups: "Tensor | None" = None,
        training: bool | None = None,
        *,
        branches: bool = False,
        vectors_mask: "Tensor | None" = None,
    ) -> "Tensor":
        """Scores a batch; see the class. `vectors_mask` is for Keras, which fills it."""
        mask = vectors_mask if mask is None else mask
        vectors, mask, groups = self.members(vectors, mask, groups)
        pooled = self._pooling.pool_members(vectors, mask, groups, training=training)
        pooled = self._dropout(pooled, training=training)
        logits = ops.matmul(pooled, ops.cast(self.projection, pooled.dtype))
        logits += self._linear(linear, mask=mask, batch=ops.shape(vectors)[0])
        if self.deep is None:
            return logits
        deep = ops.cast(self.deep(vectors, mask=mask, training=training), logits.dtype)
        if branches:
            return formulas.two_branches(ops, logits, deep, self._linear.bias)
        return logits + deep

    def pooled(
        self,
        vectors: "Tensor",
        mask: "Tensor | None" = None,
        groups: "Tensor | None" = None,
        *,
        training: bool | None = None,
    ) -> "Tensor":
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
        vectors, mask, groups = self.members(vectors, mask, groups)
        self.built_for(vectors)
        pooled = self._pooling.pool_members(vectors, mask, groups, training=training)
        return self._dropout(pooled, training=training)

    def contributions(
        self,
        vectors: "Tensor",
        mask: "Tensor | None" = None,
        linear: "Tensor | None" = None,
        groups: "Tensor | None" = None,
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
        vectors, mask, groups = self.members(vectors, mask, groups)
        self.built_for(vectors)
        pairs, pair_mask = self._pooling.pairs_of(vectors, mask, groups)
        projection, bias = self.projection[:, 0], self._linear.bias[0]
        if hasattr(self._pooling, "affine"):  # what is added to every pooled vector is nobody's
            scale, offset = self._pooling.affine()
            projection, bias = projection * scale, bias + ops.sum(projection * offset)
        return formulas.contributions(
            ops,
            pairs,
            self._pooling.attention(pairs, pair_mask),
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
            "deep": keras.saving.serialize_keras_object(self.deep),
            "pooling": keras.saving.serialize_keras_object(self.pooling),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AFM":
        """Makes the layer that `get_config` described."""
        return super().from_config(with_layers(config, "deep", "pooling"))
