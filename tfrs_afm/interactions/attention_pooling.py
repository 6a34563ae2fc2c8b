"""Attention over pairs."""

from typing import Any

import tensorflow as tf

from tfrs_afm._host import random_generator
from tfrs_afm.interactions import arguments, formulas, tensorflow_ops
from tfrs_afm.interactions.pair_attention import attend_pairs
from tfrs_afm.types import KerasLayer, Shape, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class AttentionPooling(KerasLayer):
    """Sums pair interactions, weighted by a learned attention.

    Some pairs matter more than others; a plain FM weighs all of them the same.
        a'_p = h . relu(W x_p + b),    a = softmax(a' / temperature),    output = sum_p a_p x_p
    with the softmax over the real pairs of a row. Without softmax a is a' / temperature, of any
    size and sign: one pair alone, as of a user and an item, has attention 1 by a softmax.
    Reference: Xiao et al. 2017, https://arxiv.org/abs/1708.04617, "Attention-based Pooling Layer".

    Args:
        units: Width of the attention network, the paper's attention factor. Positive.
        dropout: Share of the attention weights, a, that training drops. In [0, 1).
        l2: L2 regularization of W, the paper's lambda: adds `l2 * ||W||^2`.
        temperature: Divides the scores; above 1 it evens the attention out. Positive.
        pair_dropout: Share of the elements of the pairs, x, that training drops before the
            attention sees them. In [0, 1).
        softmax: Whether the attention of a row is made to sum to 1. Without, all pairs of a batch
            are held at once, by stock operations.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> pool = tfrs_afm.interactions.AttentionPooling(units=4)
        >>> pool(tf.ones([2, 3, 8])).shape
        TensorShape([2, 8])
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
        self._dropout = tf.keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self._dropout.built = True  # without dropout it is not called, of which Keras warns

    def build(self, input_shape: Shape) -> None:
        """Makes W, b and h."""
        shape = (input_shape[-1], self.units)
        regularizer = tf.keras.regularizers.L2(self.l2) if self.l2 else None
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer="glorot_uniform", regularizer=regularizer
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.projection = self.add_weight(
            name="projection", shape=(self.units, 1), initializer="glorot_uniform"
        )
        super().build(input_shape)

    def call(
        self, pairs: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        """Pools a batch; see the class."""
        if training and self.pair_dropout:
            seed = random_generator(self._dropout).random_uniform([2], 0, tf.int32.max, tf.int32)
            pairs = tf.nn.experimental.stateless_dropout(pairs, self.pair_dropout, seed)
        attention = self._dropout(self.attention(pairs, mask), training=training)
        return formulas.weighted_sum(tensorflow_ops, attention, pairs)

    def pool_members(
        self,
        vectors: Tensor,
        mask: Tensor,
        groups: Tensor | None = None,
        *,
        training: bool | None = None,
    ) -> Tensor:
        """Pools the pairs of members, block by block: all pairs are never held at once.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints; pairs within one group are left out. Default: none is.
            training: Whether dropout applies.

        Returns:
            `(batch, dim)`, what the call gives for the pairs of these members.
        """
        if not self.softmax:
            pairs, real = formulas.products(tensorflow_ops, vectors, mask, groups)
            return self(pairs, mask=real, training=training)
        dropout, pair_dropout = (self.dropout, self.pair_dropout) if training else (0.0, 0.0)
        # Drawn as any dropout of Keras draws: whoever fixes those fixes this one too.
        draw = random_generator(self._dropout).random_uniform
        return attend_pairs(
            vectors,
            mask,
            self.kernel,
            self.bias,
            self.projection / self.temperature,
            groups,
            dropout=dropout,
            seed=draw([2], 0, tf.int32.max, tf.int32) if dropout or pair_dropout else None,
            pair_dropout=pair_dropout,
        )

    def attention(self, pairs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the attention of each pair.

        Args:
            pairs: `(batch, num_pairs, dim)` floats.
            mask: `(batch, num_pairs)` bool. Default: all real.

        Returns:
            `(batch, num_pairs)`, 0 where masked. With softmax it is not negative, and a row sums
            to 1, or to 0 where it has no real pair.
        """
        projection = self.projection / self.temperature
        return formulas.pair_attention(
            tensorflow_ops, pairs, mask, self.kernel, self.bias, projection, softmax=self.softmax
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
