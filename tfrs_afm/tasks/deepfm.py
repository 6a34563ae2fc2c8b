"""DeepFM as a task."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm import interactions
from tfrs_afm.tasks.interaction_task import InteractionTask


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
        loss: Any = None,
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
