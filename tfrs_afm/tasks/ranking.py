"""Interactions as tasks: AFM, DeepFM, or one of your own."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm import interactions
from tfrs_afm.tasks.interaction_task import InteractionTask
from tfrs_afm.types import Layer, Loss


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="RankingTask")
class Ranking(InteractionTask):
    """An interaction of your choice as a Keras layer and a `tfrs.tasks.Task`.

    `AFM` and `DeepFM` are this with their interaction made from arguments; here it is passed in,
    for example a layer of your own.

    Args:
        interaction: Layer from `(vectors, mask, linear)` to logits `(batch, 1)`:
            `tfrs_afm.interactions.AFM`, `DeepFM` or one with their call arguments.
        loss: Keras loss of labels and logits. Default: binary cross-entropy from logits.
        metrics: Keras metrics of labels and predictions. Default: those that fit the loss.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> parts = tfrs_afm.interactions
        >>> task = tfrs_afm.tasks.Ranking(parts.AFM(pooling=parts.AveragePooling()))
        >>> task.logits(tf.zeros([2, 3, 8])).shape
        TensorShape([2, 1])
    """

    def __init__(
        self,
        interaction: Layer,
        loss: Loss | None = None,
        metrics: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interaction, loss, metrics, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        interaction = tf.keras.layers.serialize(self.interaction)
        return {**super().get_config(), "interaction": interaction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InteractionTask":
        """Makes the task that `get_config` described."""
        interaction = tf.keras.layers.deserialize(config["interaction"])
        return super().from_config({**config, "interaction": interaction})


_ATTENTION = ("attention_units", "attention_dropout", "attention_l2", "temperature")


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="AFMTask")
class AFM(InteractionTask):
    """Attentional factorization machine as a Keras layer and a `tfrs.tasks.Task`.

    Use it inside any `tfrs.Model`: it scores embedded fields, and turns labels and fields into
    the loss. The formula is at `tfrs_afm.interactions.AFM`.

    Args:
        attention_units: Width of the attention network. Positive.
        dropout: Share of the pooled vector that training drops. In [0, 1).
        attention_dropout: Share of the attention weights that training drops. In [0, 1).
        attention_l2: L2 regularization of the attention's W.
        deep: A `tfrs_afm.interactions.Deep` tower whose logit is added. Default: none.
        loss: Keras loss of labels and logits. Default: binary cross-entropy from logits.
        metrics: Keras metrics of labels and predictions. Default: AUC and logloss.
        temperature: Divides the attention scores; above 1 it evens the attention out. Positive.
        pooling: Layer that reduces the pairs to one vector a row, in place of the attention; the
            attention arguments are then left out. Default: attention.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> task = tfrs_afm.tasks.AFM(attention_units=4)
        >>> loss = task(tf.constant([0.0, 1.0]), tf.zeros([2, 3, 8]))
        >>> round(float(loss), 4)
        0.6931
    """

    def __init__(
        self,
        attention_units: int = 16,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        attention_l2: float = 0.0,
        deep: Layer | None = None,
        loss: Loss | None = None,
        metrics: Sequence[Any] | None = None,
        *,
        temperature: float = 1.0,
        pooling: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        interaction = interactions.AFM(
            attention_units, dropout, attention_dropout, attention_l2, temperature, deep, pooling
        )
        super().__init__(interaction, loss, metrics, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        inner = self.interaction.get_config()
        names = [*_ATTENTION, "dropout", "deep", "pooling"]
        return {**super().get_config(), **{name: inner[name] for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InteractionTask":
        """Makes the task that `get_config` described."""
        parts = {name: config.get(name) for name in ("deep", "pooling")}
        made = {name: part and tf.keras.layers.deserialize(part) for name, part in parts.items()}
        return super().from_config({**config, **made})


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="DeepFMTask")
class DeepFM(InteractionTask):
    """Deep factorization machine as a Keras layer and a `tfrs.tasks.Task`.

    Use it inside any `tfrs.Model`: it scores embedded fields, and turns labels and fields into
    the loss. The formula is at `tfrs_afm.interactions.DeepFM`.

    Args:
        units: Widths of the hidden layers of the tower.
        activation: Activation of the hidden layers.
        dropout: Share of each hidden layer that training drops. In [0, 1).
        batch_norm: Whether to normalise each hidden layer before its activation.
        l2: L2 regularization of the tower's kernels.
        loss: Keras loss of labels and logits. Default: binary cross-entropy from logits.
        metrics: Keras metrics of labels and predictions. Default: AUC and logloss.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> task = tfrs_afm.tasks.DeepFM([16, 8])
        >>> task.logits(tf.zeros([2, 3, 4])).shape
        TensorShape([2, 1])
    """

    def __init__(
        self,
        units: Sequence[int] = (400, 400, 400),
        activation: Any = "relu",
        dropout: float = 0.0,
        *,
        batch_norm: bool = False,
        l2: float = 0.0,
        loss: Loss | None = None,
        metrics: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        interaction = interactions.DeepFM(units, activation, dropout, batch_norm=batch_norm, l2=l2)
        super().__init__(interaction, loss, metrics, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        inner = self.interaction.get_config()
        names = ("units", "activation", "dropout", "batch_norm", "l2")
        return {**super().get_config(), **{name: inner[name] for name in names}}
