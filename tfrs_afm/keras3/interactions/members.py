"""The one form in which interactions take their input, and the layer that takes it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    from tfrs_afm.types import Layer, Shape, Tensor

    KerasLayer: Any = keras.layers.Layer  # which has no types
else:
    KerasLayer = keras.layers.Layer


class MemberLayer(KerasLayer):
    """A layer that uses up the mask of its input: what it gives has another one, or none."""

    def compute_mask(self, inputs: "Tensor", previous_mask: "Tensor" = None) -> None:
        """Returns that the output has no mask."""
        return

    def members(
        self, vectors: "Tensor", mask: "Tensor | None", groups: "Tensor | None" = None
    ) -> tuple[Any, Any, Any]:
        """Brings vectors, mask and groups into the form that formulas compute on.

        Args:
            vectors: `(batch, n, dim)`, or a list of n tensors `(batch, dim)`.
            mask: `(batch, n)` bool, True for a real member, or a list of n `(batch,)` ones, as
                Keras passes along with a list. Default: all real.
            groups: `(n,)` ints.

        Returns:
            `vectors (batch, n, dim)` with zeros where masked, `mask (batch, n)` and `groups (n,)`,
            which are the numbers of the first members of each.
        """
        if isinstance(vectors, list | tuple):
            each = [ops.convert_to_tensor(one, dtype=self.compute_dtype) for one in vectors]
            vectors = ops.stack(each, axis=1)
        if isinstance(mask, list | tuple):
            real = [ops.ones_like(vectors[:, 0, 0], dtype="bool") if m is None else m for m in mask]
            mask = None if all(m is None for m in mask) else ops.stack(real, axis=1)
        vectors = ops.convert_to_tensor(vectors, dtype=self.compute_dtype)
        if mask is None:
            mask = ops.ones_like(vectors[:, :, 0], dtype="bool")
        else:
            # A product would let a NaN behind the mask through, in the value or in the gradient.
            mask = ops.cast(mask, "bool")
            vectors = ops.where(mask[:, :, None], vectors, 0.0)
        if groups is not None and vectors.shape[1] == 0:
            groups = None
        if groups is not None:
            # Within [0, n): JAX leaves a sum beyond out without a word.
            groups = ops.convert_to_tensor(groups, dtype="int32")
            groups = ops.argmax(ops.cast(groups[:, None] == groups, "int32"), axis=1)
        return vectors, mask, groups

    def built_for(self, vectors: "Tensor") -> None:
        """Makes the weights, where another method than the call comes first."""
        if not self.built:
            self.build(tuple(vectors.shape))


def members_shape(shape: "Shape") -> tuple[int | None, int]:
    """Reads n and dim from the shape of vectors, or from a list of shapes.

    Raises:
        ValueError: If dim is not static.
    """
    listed = bool(shape) and isinstance(shape[0], list | tuple)
    n, dim = (len(shape), shape[0][-1]) if listed else tuple(shape[1:])
    if dim is None:
        raise ValueError(
            "`vectors` must have a static last dimension. Received: vectors of shape "
            f"{tuple(shape)}. Reshape them to it."
        )
    return n, int(dim)


def build_once(layer: "Layer", shape: "Shape") -> None:
    """Makes the weights of a part, which may be one that was built before."""
    if not layer.built:
        layer.build(shape)


def with_layers(config: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Returns a configuration in which the layers of these names are made."""
    made = {name: keras.saving.deserialize_keras_object(config[name]) for name in names}
    return {**config, **made}
