"""The deep tower."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import arguments
from tfrs_afm.keras3.interactions.members import MemberLayer, members_shape

if TYPE_CHECKING:
    from tfrs_afm.types import Shape, Tensor


class Dense(keras.layers.Dense):
    """A dense layer before batch norm, which takes the bias off again.

    So the gradient of the bias is 0, and not, in half precision, what rounding leaves.
    """

    def call(self, inputs: "Tensor", training: bool | None = None) -> "Tensor":
        """Computes `inputs W + b`."""
        bias = ops.convert_to_tensor(self.bias)
        if self.compute_dtype in ("float16", "bfloat16"):
            bias = ops.stop_gradient(bias) + 0.0 * bias
        return ops.matmul(inputs, self.kernel) + bias


@keras.saving.register_keras_serializable(package="tfrs_afm")
class Deep(MemberLayer):
    """Feeds the concatenated vectors through fully connected layers to one logit.

        a_0 = [v_1 x_1, ..., v_n x_n],    a_{l+1} = relu(W_l a_l + b_l),    output = w . a_L + b
    Reference: Guo et al. 2017, https://arxiv.org/abs/1703.04247, "Deep Component".

    Args:
        units: Widths of the hidden layers. Each positive; at least one.
        activation: Activation of the hidden layers, as `keras.activations.get` takes it.
        dropout: Share of each hidden layer that training drops. In [0, 1).
        batch_norm: Whether to normalise each hidden layer before its activation.
        l2: L2 regularization of the kernels.

    Call arguments:
        vectors: `(batch, n, dim)` floats with static n and dim, or a list of tensors
            `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real member; others count as zeros. Default: the mask
            that Keras passes along with the vectors, otherwise all real.

    Output shape: `(batch, 1)`.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> tuple(interactions.Deep([16, 8])(keras.ops.ones([2, 3, 4])).shape)
        (2, 1)
    """

    def __init__(
        self,
        units: Sequence[int],
        activation: Any = "relu",
        dropout: float = 0.0,
        *,
        batch_norm: bool = False,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        arguments.check_tower(units)
        self.units = list(units)
        self.activation = keras.activations.get(activation)
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.l2 = l2

    def build(self, input_shape: "Shape") -> None:
        """Makes the layers of the tower."""
        n, dim = members_shape(input_shape)
        n = arguments.static_count(input_shape, n, "members", "a deep tower")
        regularizer = keras.regularizers.L2(self.l2) if self.l2 else None
        policy = self.dtype_policy
        layers: list[Any] = []
        hidden = Dense if self.batch_norm else keras.layers.Dense
        for width in self.units:
            layers.append(hidden(width, kernel_regularizer=regularizer, dtype=policy))
            if self.batch_norm:
                layers.append(keras.layers.BatchNormalization(dtype=policy))
            layers.append(keras.layers.Activation(self.activation, dtype=policy))
            if self.dropout:
                layers.append(keras.layers.Dropout(self.dropout, dtype=policy))
        layers.append(keras.layers.Dense(1, kernel_regularizer=regularizer, dtype=policy))
        self.tower = keras.Sequential(layers)
        self.tower.build((None, n * dim))

    def call(
        self, vectors: "Tensor", mask: "Tensor | None" = None, training: bool | None = None
    ) -> "Tensor":
        """Scores a batch; see the class."""
        vectors, _, _ = self.members(vectors, mask)
        n, dim = vectors.shape[1:]
        flat = ops.reshape(vectors, (-1, n * dim))  # (batch, n * dim)
        return self.tower(flat, training=training)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "batch_norm": self.batch_norm,
            "l2": self.l2,
        }
