"""The linear term."""

import tensorflow as tf

from tfrs_afm.interactions import formulas, tensorflow_ops
from tfrs_afm.interactions.vectors import holds_zeros
from tfrs_afm.types import KerasLayer, Shape, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Linear(KerasLayer):
    """Adds the linear terms of all members and a bias.

        output = w0 + sum_i w_i x_i
    Reference: Rendle 2010, "Factorization Machines", equation 1.

    The weights w_i belong to ids and so live in the embedding layer; this layer has w0.

    Call arguments:
        linear: `(batch, n)` floats, `w_i x_i` of each member, or None for the bias alone.
        mask: `(batch, n)` bool, True for a real member. Default: all real.
        batch: `()` int, the batch size; only needed when `linear` is None.

    Output shape: `(batch, 1)`.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tfrs_afm.interactions.Linear()(tf.constant([[1.0, 2.0]])).numpy().tolist()
        [[3.0]]
    """

    def build(self, input_shape: Shape) -> None:
        """Makes w0."""
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")
        super().build(input_shape)

    def call(
        self, linear: Tensor, mask: Tensor | None = None, batch: Tensor | None = None
    ) -> Tensor:
        """Adds up a batch; see the class."""
        bias = tf.cast(self.bias, self.compute_dtype)
        if linear is None:
            return tf.tile(bias[tf.newaxis], [batch, 1])
        if holds_zeros(linear, mask):
            mask = None
        return formulas.linear_sum(tensorflow_ops, bias, linear, mask)
