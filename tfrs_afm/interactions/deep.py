"""The deep tower."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.interactions import arguments
from tfrs_afm.interactions.vectors import masked_vectors, require_as_built
from tfrs_afm.types import KerasLayer, Shape, Tensor


class Dense(tf.keras.layers.Dense):
    """A dense layer before batch norm, which takes the bias off again.

    So the gradient of the bias is 0. In half precision it is the sum of what rounding leaves, to
    Adam as good as any: the bias would wander, and the mean that batch norm remembers after it. Of
    Keras' name, by which model files know the weights.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Computes `inputs W + b`."""
        bias = tf.convert_to_tensor(self.bias)
        if inputs.dtype.size < tf.float32.size:
            bias = tf.stop_gradient(bias) + 0.0 * bias
        return tf.nn.bias_add(tf.matmul(inputs, self.kernel), bias)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Deep(KerasLayer):
    """Feeds the concatenated vectors through fully connected layers to one logit.

        a_0 = [v_1 x_1, ..., v_n x_n],    a_{l+1} = relu(W_l a_l + b_l),    output = w . a_L + b
    Reference: Guo et al. 2017, https://arxiv.org/abs/1703.04247, "Deep Component".

    Args:
        units: Widths of the hidden layers. Each positive; at least one.
        activation: Activation of the hidden layers, as `tf.keras.activations.get` takes it.
        dropout: Share of each hidden layer that training drops. In [0, 1).
        batch_norm: Whether to normalise each hidden layer before its activation.
        l2: L2 regularization of the kernels.

    Call arguments:
        vectors: `(batch, n, dim)` floats with static n and dim, or a list of tensors
            `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real member; others count as zeros. Default: all real.

    Output shape: `(batch, 1)`.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tfrs_afm.interactions.Deep([16, 8])(tf.ones([2, 3, 4])).shape
        TensorShape([2, 1])
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
        self.activation = tf.keras.activations.get(activation)
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.l2 = l2

    def build(self, input_shape: Shape) -> None:
        """Makes the layers of the tower."""
        regularizer = tf.keras.regularizers.L2(self.l2) if self.l2 else None
        layers: list[Any] = []
        policy = self.dtype_policy
        options = {"kernel_regularizer": regularizer, "dtype": policy}
        hidden = Dense if self.batch_norm else tf.keras.layers.Dense
        for width in self.units:
            layers.append(hidden(width, **options))
            if self.batch_norm:
                layers.append(tf.keras.layers.BatchNormalization(dtype=policy))
            layers.append(tf.keras.layers.Activation(self.activation, dtype=policy))
            if self.dropout:
                layers.append(tf.keras.layers.Dropout(self.dropout, dtype=policy))
        layers.append(tf.keras.layers.Dense(1, **options))
        self.tower = tf.keras.Sequential(layers)
        super().build(input_shape)

    def call(
        self, vectors: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        """Scores a batch; see the class."""
        vectors, _ = masked_vectors(vectors, mask)
        n, dim = vectors.shape[1:]
        n = arguments.static_count(vectors.shape, n, "members", "a deep tower")
        dim = arguments.static_count(vectors.shape, dim, "elements", "a deep tower")
        if self.tower.built:
            width = self.tower.layers[0].kernel.shape[0]
            require_as_built(vectors, 1, width // dim if width % dim == 0 else n)
            require_as_built(vectors, 2, width // n)
        flat = tf.reshape(vectors, [-1, n * dim])  # (batch, n * dim)
        return self.tower(flat, training=training)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": tf.keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "batch_norm": self.batch_norm,
            "l2": self.l2,
        }
