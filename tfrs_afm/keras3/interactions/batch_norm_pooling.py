"""Batch normalization of the pooled pairs, or of the pairs."""

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import arguments, formulas
from tfrs_afm.keras3.interactions.members import MemberLayer, build_once, with_layers

if TYPE_CHECKING:
    from tfrs_afm.types import Layer, Shape, Tensor


@keras.saving.register_keras_serializable(package="tfrs_afm")
class BatchNormPooling(MemberLayer):
    """Pools pairs by another pooling, and normalises each element of what it gives.

        output = gamma (pooling(pairs) - mean) / sqrt(variance + epsilon) + beta
    with mean and variance of the batch in training, and running ones otherwise: a sum over many
    pairs then has the scale of one, and large steps do not break it. Rows without a real pair are
    not counted in mean and variance; they get what a pooled 0 gets. With `of_pairs` it is each real
    pair that is normalised, before it is pooled:
        output = pooling({gamma (x_p - mean) / sqrt(variance + epsilon) + beta})
    with mean and variance over all real pairs of the batch; rows without one give zeros.
    References: He and Chua 2017, https://arxiv.org/abs/1708.05027, section 3.3; Ioffe and Szegedy
    2015, https://arxiv.org/abs/1502.03167.

    Args:
        pooling: What pools: `AttentionPooling(...)`, `SumPooling()` or any other.
        momentum: Share of the old running mean that a step leaves. In [0, 1).
        epsilon: Added to the variance. Positive.
        of_pairs: Whether the pairs are normalised, not what is pooled. For both, one goes into the
            other: `BatchNormPooling(BatchNormPooling(pooling, of_pairs=True))`.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions as parts
        >>> pool = parts.BatchNormPooling(parts.SumPooling(), epsilon=1e-6)
        >>> pairs = keras.ops.convert_to_tensor([[[1.0], [2.0]], [[3.0], [4.0]]])
        >>> pooled = keras.ops.convert_to_numpy(pool(pairs, training=True))
        >>> [round(one, 3) for one in pooled[:, 0].tolist()]
        [-1.0, 1.0]
    """

    def __init__(
        self,
        pooling: "Layer",
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        *,
        of_pairs: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        arguments.check_norm(momentum, epsilon)
        self.pooling, self.momentum, self.epsilon = pooling, momentum, epsilon
        self.of_pairs = of_pairs
        self._norm = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, dtype=self.dtype_policy
        )

    def build(self, input_shape: "Shape") -> None:
        """Makes the weights of the pooling, gamma, beta and the running numbers."""
        build_once(self.pooling, input_shape)
        members = (None,) if self.of_pairs else ()
        build_once(self._norm, (None, *members, input_shape[-1]))

    def call(
        self, pairs: "Tensor", mask: "Tensor | None" = None, training: bool | None = None
    ) -> "Tensor":
        """Pools a batch; see the class."""
        if self.of_pairs:
            mask = ops.ones_like(pairs[:, :, 0], dtype="bool") if mask is None else mask
            each = self._each(pairs, mask, training)
            return ops.cast(self.pooling(each, mask=mask, training=training), self.compute_dtype)
        pooled = self.pooling(pairs, mask=mask, training=training)
        real = ops.ones_like(pooled[:, 0], dtype="bool") if mask is None else ops.any(mask, axis=1)
        return self._normalized(pooled, real, training)

    def pool_members(
        self,
        vectors: "Tensor",
        mask: "Tensor",
        groups: "Tensor | None" = None,
        *,
        training: bool | None = None,
    ) -> "Tensor":
        """Pools the pairs of members, as the pooling does, and normalises; see `AFM`."""
        if self.of_pairs:
            pairs, real = self.pooling.pairs_of(vectors, mask, groups)
            return self.call(pairs, real, training=training)
        pooled = self.pooling.pool_members(vectors, mask, groups, training=training)
        count = formulas.number_of_pairs(ops, mask, groups)  # (batch, 1)
        return self._normalized(pooled, count[:, 0] > 0, training)

    def _normalized(self, pooled: "Tensor", real: "Tensor", training: bool | None) -> "Tensor":
        # A batch without any pair has the mean of its zeros, and not one of nothing.
        counted = ops.logical_or(real, ops.logical_not(ops.any(real)))
        return self._norm(pooled, mask=counted, training=training)

    def _each(self, pairs: "Tensor", mask: "Tensor", training: bool | None) -> "Tensor":
        normalized = self._normalized(pairs, mask, training)
        return ops.where(mask[:, :, None], normalized, ops.zeros_like(normalized))

    def affine(self) -> tuple[Any, Any]:
        """Returns scale and offset, `(dim,)` each, of an answer: output = scale pooled + offset."""
        norm = self._norm
        if self.of_pairs:  # `pairs_of` has them
            size = norm.gamma.shape
            return ops.ones(size, self.compute_dtype), ops.zeros(size, self.compute_dtype)
        scale = norm.gamma * ops.rsqrt(norm.moving_variance + norm.epsilon)
        return scale, norm.beta - norm.moving_mean * scale

    def pairs_of(
        self, vectors: "Tensor", mask: "Tensor", groups: "Tensor | None" = None
    ) -> tuple[Any, Any]:
        """Makes the pairs that the pooling pools."""
        pairs, real = self.pooling.pairs_of(vectors, mask, groups)
        return (self._each(pairs, real, training=False) if self.of_pairs else pairs), real

    def attention(self, pairs: "Tensor", mask: "Tensor | None" = None) -> "Tensor":
        """Returns the attention of the pooling."""
        return self.pooling.attention(pairs, mask)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "pooling": keras.saving.serialize_keras_object(self.pooling),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "of_pairs": self.of_pairs,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "BatchNormPooling":
        """Makes the layer that `get_config` described."""
        return super().from_config(with_layers(config, "pooling"))
