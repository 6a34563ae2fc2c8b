"""Any interaction as a task."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.interaction_task import InteractionTask


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="RankingTask")
class Ranking(InteractionTask):
    """An interaction of your choice as a Keras layer and a `tfrs.tasks.Task`.

    `AFM` and `DeepFM` are this with their interaction made from arguments; here it is passed in,
    for example an AFM that averages its pairs.

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
        interaction: Any,
        loss: Any = None,
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
