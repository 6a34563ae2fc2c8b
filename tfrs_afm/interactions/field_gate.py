"""A gate on the embedded fields, before an interaction."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions import arguments, formulas, tensorflow_ops
from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.interactions.vectors import masked_vectors, require_as_built
from tfrs_afm.types import KerasLayer, Layer, Shape, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class FieldGate(KerasLayer):
    """Scales the vectors of each field by what all fields say, and passes them on.

        v_i' = v_i * (1 + g_i),    g_i = b_i + sum_j W_ij v_j
    element by element; W starts at zeros and b at ones, so that training begins with 2 v_i. A
    field that is noise in this example is turned down before it is crossed with anything.
    Reference: Zhu et al. 2023, "FINAL: Factorized Interaction Layer for CTR Prediction",
    https://doi.org/10.1145/3539618.3591988, field gate with a residual sum; as the gates of
    FinalMLP, https://arxiv.org/abs/2304.00902, it looks at the whole example.

    Args:
        interaction: What the vectors go to: `AFM(...)`, `DeepFM(...)` or another with their call
            arguments.

    Call arguments:
        vectors: `(batch, n, dim)` floats with static n, or a list of n tensors `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real field; others say nothing, and stay zeros.
            Default: all real.
        linear: `(batch, n)` floats, which pass by. Default: no linear terms.
        groups: `(n,)` ints, as the interaction takes them. Default: none.

    Output shape: that of the interaction, `(batch, 1)`.

    Raises:
        ValueError: If the number of fields is not static.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> parts = tfrs_afm.interactions
        >>> gated = parts.FieldGate(parts.AFM(pooling=parts.SumPooling()))
        >>> gated(tf.ones([1, 2, 3])).numpy().tolist()  # (2 v_1) * (2 v_2), summed
        [[12.0]]
    """

    by_field = True  # weights stand at the places of fields, which growth must know

    def __init__(self, interaction: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.interaction = interaction

    @property
    def has_branches(self) -> bool:
        """Whether the interaction has two branches to train apart."""
        return bool(getattr(self.interaction, "has_branches", False))

    def build(self, input_shape: Shape) -> None:
        """Makes W and b."""
        n = len(input_shape) if isinstance(input_shape, list) else input_shape[1]
        n = arguments.static_count(input_shape, n, "fields", "a gate")
        self.kernel = self.add_weight(name="kernel", shape=(n, n), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(n, 1), initializer="ones")
        super().build(input_shape)

    def call(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
        training: bool | None = None,
        **options: Any,
    ) -> Tensor:
        """Scores a batch; see the class. `branches` goes on to the interaction."""
        vectors, mask = self.gated(vectors, mask)
        logits = self.interaction(
            vectors, mask=mask, linear=linear, groups=groups, training=training, **options
        )
        return tf.cast(logits, self.compute_dtype)

    def gated(self, vectors: Tensor, mask: Tensor | None = None) -> tuple[Any, Any]:
        """Returns the scaled vectors `(batch, n, dim)`, zeros where masked, and the mask."""
        vectors, mask = masked_vectors(vectors, mask)
        require_as_built(vectors, 1, self.kernel.shape[0])
        return formulas.gated(tensorflow_ops, vectors, self.kernel, self.bias), mask

    def contributions(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
    ) -> Contributions:
        """Splits the logits into the parts they are the sum of, those of the scaled vectors.

        Args:
            vectors: As in the call.
            mask: As in the call.
            linear: As in the call.
            groups: As in the call.

        Returns:
            What the interaction gives.
        """
        vectors, mask = self.gated(vectors, mask)
        parts: Contributions = self.interaction.contributions(vectors, mask, linear, groups)
        return parts

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        interaction = tf.keras.layers.serialize(self.interaction)
        return {**super().get_config(), "interaction": interaction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FieldGate":
        """Makes the layer that `get_config` described."""
        return cls(**{**config, "interaction": tf.keras.layers.deserialize(config["interaction"])})
