"""The linear term."""

from typing import TYPE_CHECKING

import keras
from keras import ops

from tfrs_afm.interactions import formulas
from tfrs_afm.keras3.interactions.members import MemberLayer

if TYPE_CHECKING:
    from tfrs_afm.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="tfrs_afm")
class Linear(MemberLayer):
    """Adds the linear terms of all members and a bias.

        output = w0 + sum_i w_i x_i
    Reference: Rendle 2010, "Factorization Machines", equation 1.

    The weights w_i belong to ids and so live in an embedding layer of width 1; this layer has w0.

    Call arguments:
        linear: `(batch, n)` floats, `w_i x_i` of each member, or None for the bias alone.
        mask: `(batch, n)` bool, True for a real member. Default: all real.
        batch: `()` int, the batch size; only needed when `linear` is None.

    Output shape: `(batch, 1)`.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> terms = keras.ops.convert_to_tensor([[1.0, 2.0]])
        >>> keras.ops.convert_to_numpy(interactions.Linear()(terms)).tolist()
        [[3.0]]
    """

    def build(self, input_shape: "Shape | None" = None) -> None:
        """Makes w0."""
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")

    def call(
        self,
        linear: "Tensor | None",
        mask: "Tensor | None" = None,
        batch: "Tensor | None" = None,
    ) -> "Tensor":
        """Adds up a batch; see the class."""
        bias = ops.cast(self.bias, self.compute_dtype)
        if linear is None:
            return ops.broadcast_to(bias, (batch, 1))
        return formulas.linear_sum(ops, bias, linear, mask)
