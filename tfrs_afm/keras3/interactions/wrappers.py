"""What stands around another interaction: a gate on its fields, and copies of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import arguments, formulas
from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.keras3.interactions.members import MemberLayer, build_once, members_shape, with_layers

if TYPE_CHECKING:
    from tfrs_afm.types import Layer, Shape, Tensor


@keras.saving.register_keras_serializable(package="tfrs_afm")
class FieldGate(MemberLayer):
    """Scales the vectors of each field by what all fields say, and passes them on.

        v_i' = v_i * (1 + g_i),    g_i = b_i + sum_j W_ij v_j
    element by element; W starts at zeros and b at ones, so that training begins with 2 v_i. A
    field that is noise in this example is turned down before it is crossed with anything.
    Reference: Zhu et al. 2023, "FINAL: Factorized Interaction Layer for CTR Prediction",
    https://doi.org/10.1145/3539618.3591988, field gate with a residual sum.

    Args:
        interaction: What the vectors go to: `AFM(...)`, `DeepFM(...)` or another with their call
            arguments.

    Call arguments:
        vectors: `(batch, n, dim)` floats with static n, or a list of n tensors `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real field; others say nothing, and stay zeros.
            Default: the mask that Keras passes along with the vectors, otherwise all real.
        linear: `(batch, n)` floats, which pass by. Default: no linear terms.
        groups: `(n,)` ints, as the interaction takes them. Default: none.
        branches: Whether to give the logits of the interaction's branches.

    Output shape: that of the interaction, `(batch, 1)`.

    Raises:
        ValueError: If the number of fields is not static.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions as parts
        >>> gated = parts.FieldGate(parts.AFM(pooling=parts.SumPooling()))
        >>> logits = gated(keras.ops.ones([1, 2, 3]))  # (2 v_1) * (2 v_2), summed
        >>> keras.ops.convert_to_numpy(logits).tolist()
        [[12.0]]
    """

    def __init__(self, interaction: "Layer", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.interaction = interaction

    @property
    def has_branches(self) -> bool:
        """Whether the interaction has two branches to train apart."""
        return bool(getattr(self.interaction, "has_branches", False))

    def build(self, input_shape: "Shape") -> None:
        """Makes W and b, and the weights of the interaction."""
        n, dim = members_shape(input_shape)
        n = arguments.static_count(input_shape, n, "fields", "a gate")
        self.kernel = self.add_weight(name="kernel", shape=(n, n), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(n, 1), initializer="ones")
        build_once(self.interaction, (None, n, dim))

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
        vectors, mask = self.gated(vectors, vectors_mask if mask is None else mask)
        options = {"branches": True} if branches else {}
        logits = self.interaction(
            vectors, mask=mask, linear=linear, groups=groups, training=training, **options
        )
        return ops.cast(logits, self.compute_dtype)

    def gated(self, vectors: "Tensor", mask: "Tensor | None" = None) -> tuple[Any, Any]:
        """Returns the scaled vectors `(batch, n, dim)`, zeros where masked, and the mask."""
        vectors, mask, _ = self.members(vectors, mask)
        self.built_for(vectors)
        return formulas.gated(ops, vectors, self.kernel, self.bias), mask

    def contributions(
        self,
        vectors: "Tensor",
        mask: "Tensor | None" = None,
        linear: "Tensor | None" = None,
        groups: "Tensor | None" = None,
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
        interaction = keras.saving.serialize_keras_object(self.interaction)
        return {**super().get_config(), "interaction": interaction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FieldGate":
        """Makes the layer that `get_config` described."""
        return super().from_config(with_layers(config, "interaction"))


@keras.saving.register_keras_serializable(package="tfrs_afm")
class MultiEmbedding(MemberLayer):
    """Splits each vector into several, and averages the logits that the sets of them have.

        v_i = [v_i^1, ..., v_i^S],    logit = 1/S sum_s interaction_s({v_i^s})
    A table of rows `S * dim` is S tables of rows `dim`, and each set has an interaction with
    weights of its own. A wide embedding tends to collapse into few of its dimensions; sets that are
    crossed apart differ, and go on gaining as the tables grow.
    Reference: Guo et al. 2024, "On the Embedding Collapse When Scaling Up Recommendation Models",
    https://arxiv.org/abs/2310.04400, section 5.

    Args:
        interaction: The interaction of the first set, `AFM(...)`, `DeepFM(...)` or another with
            their call arguments; the others are made of its configuration.
        sets: S, at least 2.

    Call arguments:
        vectors: `(batch, n, S * dim)` floats, or a list of n tensors `(batch, S * dim)`.
        mask: `(batch, n)` bool, True for a real member. Default: the mask that Keras passes along
            with the vectors, otherwise all real.
        linear: `(batch, n)` floats, which every set has. Default: no linear terms.
        groups: `(n,)` ints, as the interaction takes them. Default: none.
        branches: Whether to give the logits of the interactions' branches.

    Output shape: that of the interaction, `(batch, 1)`.

    Raises:
        ValueError: If there are fewer than two sets, or the vectors cannot be split into as many.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions as parts
        >>> layer = parts.MultiEmbedding(parts.AFM(pooling=parts.SumPooling()), sets=2)
        >>> logits = layer(keras.ops.convert_to_tensor([[[1.0, 5.0], [3.0, 7.0]]]))
        >>> keras.ops.convert_to_numpy(logits).tolist()  # (1*3 + 5*7) / 2
        [[19.0]]
    """

    def __init__(self, interaction: "Layer", sets: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        arguments.check_sets(sets)
        self.sets = sets
        config = interaction.get_config()
        copies = [
            type(interaction).from_config({**config, "name": f"{config['name']}_set_{index}"})
            for index in range(1, sets)
        ]
        self.interactions = [interaction, *copies]

    @property
    def has_branches(self) -> bool:
        """Whether the interaction has two branches to train apart."""
        return bool(getattr(self.interactions[0], "has_branches", False))

    def build(self, input_shape: "Shape") -> None:
        """Makes the weights of the sets."""
        n, dim = members_shape(input_shape)
        arguments.check_split(self.sets, dim)
        for interaction in self.interactions:
            build_once(interaction, (None, n, dim // self.sets))

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
        vectors, mask, _ = self.members(vectors, mask)
        options = {"branches": True} if branches else {}
        logits = [
            interaction(part, mask=mask, linear=linear, groups=groups, training=training, **options)
            for interaction, part in self._parts(vectors)
        ]
        return ops.cast(sum(logits) / self.sets, self.compute_dtype)

    def _parts(self, vectors: "Tensor") -> "Iterator[tuple[Any, Any]]":
        return zip(self.interactions, ops.split(vectors, self.sets, axis=2), strict=True)

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
            The averages of what the interactions give; also of a pair's attention.
        """
        vectors, mask, _ = self.members(vectors, mask)
        self.built_for(vectors)
        each = [
            interaction.contributions(part, mask, linear, groups)
            for interaction, part in self._parts(vectors)
        ]
        return Contributions(*(sum(same) / self.sets for same in zip(*each, strict=True)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        interaction = keras.saving.serialize_keras_object(self.interactions[0])
        return {**super().get_config(), "interaction": interaction, "sets": self.sets}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "MultiEmbedding":
        """Makes the layer that `get_config` described."""
        return super().from_config(with_layers(config, "interaction"))
