"""What AFM and DeepFM have in common as tasks."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs


class InteractionTask(tf.keras.layers.Layer, tfrs.tasks.Task):
    """An interaction with its loss and metrics; abstract, see `AFM` and `DeepFM`.

    Args:
        interaction: Layer from `(vectors, mask, linear)` to logits.
        loss: Keras loss from labels and logits. Default: binary cross-entropy from logits.
        metrics: Keras metrics of labels and predictions. Default: AUC and, named "logloss",
            binary cross-entropy.
    """

    def __init__(
        self,
        interaction: Any,
        loss: Any = None,
        metrics: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.interaction = interaction
        if loss is None:
            loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
        # One loss an example: strategies need the sum over the global batch, not replica means.
        self._loss = type(loss).from_config(
            {**loss.get_config(), "reduction": tf.keras.losses.Reduction.NONE}
        )
        self._binary = bool(loss.get_config().get("from_logits", False))
        if metrics is None:
            metrics = [
                tf.keras.metrics.AUC(name="auc"),
                tf.keras.metrics.BinaryCrossentropy(name="logloss"),
            ]
        self._task_metrics = list(metrics)

    def logits(
        self,
        vectors: Any,
        mask: Any = None,
        linear: Any = None,
        groups: Any = None,
        *,
        training: bool | None = None,
    ) -> Any:
        """Scores embedded fields.

        Args:
            vectors: `(batch, n, dim)` floats.
            mask: `(batch, n)` bool, True for a real member. Default: all real.
            linear: `(batch, n)` floats. Default: no linear terms.
            groups: `(n,)` ints; pairs within one group are left out. Default: none is.
            training: Whether dropout applies.

        Returns:
            Logits `(batch, 1)` float32.
        """
        logits = self.interaction(
            vectors, mask=mask, linear=linear, groups=groups, training=training
        )
        return tf.cast(logits, tf.float32)

    def predictions(self, logits: Any) -> Any:
        """Turns logits into what the labels are: a probability, or the number itself.

        Args:
            logits: `(batch, 1)` floats.

        Returns:
            `(batch, 1)`: the sigmoid where the loss takes logits, else the logits unchanged.
        """
        return tf.sigmoid(logits) if self._binary else logits

    def call(
        self,
        labels: Any,
        vectors: Any,
        mask: Any = None,
        linear: Any = None,
        sample_weight: Any = None,
        training: bool = False,
        compute_metrics: bool = True,
    ) -> Any:
        """Computes the loss of a batch and updates the metrics.

        Args:
            labels: `(batch,)` or `(batch, 1)`.
            vectors: `(batch, n, dim)` floats.
            mask: `(batch, n)` bool. Default: all real.
            linear: `(batch, n)` floats. Default: no linear terms.
            sample_weight: `(batch,)` or `(batch, 1)` loss weights. Default: ones.
            training: Whether dropout applies.
            compute_metrics: Whether to update the metrics.

        Returns:
            `()`, this replica's share of the mean loss over the global batch.
        """
        logits = self.logits(vectors, mask, linear, training=training)
        return self.loss(labels, logits, sample_weight, compute_metrics=compute_metrics)

    def loss(
        self, labels: Any, logits: Any, sample_weight: Any = None, *, compute_metrics: bool = True
    ) -> Any:
        """Computes the loss of logits that are at hand; otherwise as the call.

        Args:
            labels: `(batch,)` or `(batch, 1)`.
            logits: `(batch, 1)`.
            sample_weight: `(batch,)` or `(batch, 1)` loss weights. Default: ones.
            compute_metrics: Whether to update the metrics.

        Returns:
            `()`, this replica's share of the mean loss over the global batch.
        """
        labels = tf.reshape(tf.cast(labels, tf.float32), [-1, 1])
        if sample_weight is not None:
            sample_weight = tf.reshape(tf.cast(sample_weight, tf.float32), [-1])
        if compute_metrics:
            predictions = self.predictions(logits)
            for metric in self._task_metrics:
                metric.update_state(labels, predictions, sample_weight=sample_weight)
        losses = self._loss(labels, logits, sample_weight=sample_weight)  # (batch,)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        size = tf.cast(tf.shape(losses)[0] * replicas, losses.dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(losses), size)

    def get_config(self) -> dict[str, Any]:
        """Returns loss and metrics; the finals add their own arguments."""
        return {
            **super().get_config(),
            "loss": tf.keras.losses.serialize(self._loss),
            "metrics": [tf.keras.metrics.serialize(metric) for metric in self._task_metrics],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InteractionTask":
        """Makes the task that `get_config` described."""
        return cls(
            **{
                **config,
                "loss": tf.keras.losses.deserialize(config["loss"]),
                "metrics": [tf.keras.metrics.deserialize(one) for one in config["metrics"]],
            }
        )
