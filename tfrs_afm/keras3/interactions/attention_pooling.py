"""Attention over pairs."""

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import arguments, formulas
from tfrs_afm.keras3.interactions.plain_poolings import PairPooling

if TYPE_CHECKING:
    from tfrs_afm.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="tfrs_afm")
class AttentionPooling(PairPooling):
    """Sums pair interactions, weighted by a learned attention.

    Some pairs matter more than others; a plain FM weighs all of them the same.
        a'_p = h . relu(W x_p + b),    a = softmax(a' / temperature),    output = sum_p a_p x_p
    with the softmax over the real pairs of a row, in float32 also under mixed precision.
    Reference: Xiao et al. 2017, https://arxiv.org/abs/1708.04617, "Attention-based Pooling Layer".

    Args:
        units: Width of the attention network, the paper's attention factor. Positive.
        dropout: Share of the attention weights, a, that training drops. In [0, 1).
        l2: L2 regularization of W, the paper's lambda: adds `l2 * ||W||^2`.
        temperature: Divides the scores; above 1 it evens the attention out. Positive.
        pair_dropout: Share of the elements of the pairs, x, that training drops before the
            attention sees them. In [0, 1).
        softmax: Whether the attention of a row is made to sum to 1.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> tuple(interactions.AttentionPooling(units=4)(keras.ops.ones([2, 3, 8])).shape)
        (2, 8)
    """

    def __init__(
        self,
        units: int,
        dropout: float = 0.0,
        l2: float = 0.0,
        temperature: float = 1.0,
        pair_dropout: float = 0.0,
        *,
        softmax: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        arguments.check_attention(units, temperature, pair_dropout)
        self.units = units
        self.dropout = dropout
        self.l2 = l2
        self.temperature = temperature
        self.pair_dropout, self.softmax = pair_dropout, softmax
        self._dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self._pair_dropout = keras.layers.Dropout(pair_dropout, dtype=self.dtype_policy)

    def build(self, input_shape: "Shape") -> None:
        """Makes W, b and h."""
        regularizer = keras.regularizers.L2(self.l2) if self.l2 else None
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer="glorot_uniform",
            regularizer=regularizer,
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.projection = self.add_weight(
            name="projection", shape=(self.units, 1), initializer="glorot_uniform"
        )

    def call(
        self, pairs: "Tensor", mask: "Tensor | None" = None, training: bool | None = None
    ) -> "Tensor":
        """Pools a batch; see the class."""
        pairs = self._pair_dropout(pairs, training=training)
        attention = self._dropout(self.attention(pairs, mask), training=training)
        return formulas.weighted_sum(ops, attention, pairs)

    def attention(self, pairs: "Tensor", mask: "Tensor | None" = None) -> "Tensor":
        """Returns the attention of each pair.

        Args:
            pairs: `(batch, num_pairs, dim)` floats.
            mask: `(batch, num_pairs)` bool. Default: all real.

        Returns:
            `(batch, num_pairs)`, 0 where masked. With softmax it is not negative, and a row sums
            to 1, or to 0 where it has no real pair.
        """
        projection = ops.convert_to_tensor(self.projection) / self.temperature
        return formulas.pair_attention(
            ops, pairs, mask, self.kernel, self.bias, projection, softmax=self.softmax
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "dropout": self.dropout,
            "l2": self.l2,
            "temperature": self.temperature,
            "pair_dropout": self.pair_dropout,
            "softmax": self.softmax,
        }
