"""Several small embeddings of each field in place of a wide one."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions import arguments
from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.interactions.vectors import masked_vectors, vectors_dim
from tfrs_afm.types import KerasLayer, Layer, Shape, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MultiEmbedding(KerasLayer):
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
        mask: `(batch, n)` bool, True for a real member. Default: all real.
        linear: `(batch, n)` floats, which every set has. Default: no linear terms.
        groups: `(n,)` ints, as the interaction takes them. Default: none.

    Output shape: that of the interaction, `(batch, 1)`.

    Raises:
        ValueError: If there are fewer than two sets, or the vectors cannot be split into as many.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> parts = tfrs_afm.interactions
        >>> layer = parts.MultiEmbedding(parts.AFM(pooling=parts.SumPooling()), sets=2)
        >>> layer(tf.constant([[[1.0, 5.0], [3.0, 7.0]]])).numpy().tolist()  # (1*3 + 5*7) / 2
        [[19.0]]
    """

    def __init__(self, interaction: Layer, sets: int, **kwargs: Any) -> None:
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

    def build(self, input_shape: Shape) -> None:
        """Checks that the vectors can be split; the sets make their own weights."""
        dim = vectors_dim(input_shape)
        arguments.check_split(self.sets, dim)
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
        """Scores a batch; see the class. `branches` goes on to the interactions."""
        vectors, mask = masked_vectors(vectors, mask)
        logits = [
            interaction(part, mask=mask, linear=linear, groups=groups, training=training, **options)
            for interaction, part in self._parts(vectors)
        ]
        return tf.cast(tf.add_n(logits) / self.sets, self.compute_dtype)

    def _parts(self, vectors: Tensor) -> Any:
        return zip(self.interactions, tf.split(vectors, self.sets, axis=2), strict=True)

    def contributions(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
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
        vectors, mask = masked_vectors(vectors, mask)
        each = [
            interaction.contributions(part, mask, linear, groups)
            for interaction, part in self._parts(vectors)
        ]
        return Contributions(
            *(tf.add_n(list(same)) / self.sets for same in zip(*each, strict=True))
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        interaction = tf.keras.layers.serialize(self.interactions[0])
        return {**super().get_config(), "interaction": interaction, "sets": self.sets}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "MultiEmbedding":
        """Makes the layer that `get_config` described."""
        return cls(**{**config, "interaction": tf.keras.layers.deserialize(config["interaction"])})
