"""What tasks have in common: logits and labels to loss and metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from tfrs_afm._host import rename_metric
from tfrs_afm.tasks.arguments import checked_loss, checked_metrics, takes_logits
from tfrs_afm.tasks.losses import GroupedLoss
from tfrs_afm.tasks.metrics import NDCG, GroupedAUC, GroupedMetric
from tfrs_afm.types import Layer, Loss, Tensor


class InteractionTask(tf.keras.layers.Layer, tfrs.tasks.Task):
    """An interaction with its loss and metrics; abstract, see `AFM` and `DeepFM`.

    Args:
        interaction: Layer from `(vectors, mask, linear)` to logits.
        loss: Keras loss from labels and logits, or one of `tfrs_afm.tasks.losses`; the name of one
            of Keras' own, too. Default: binary cross-entropy from logits.
        metrics: Keras metrics of labels and predictions, or some of `tfrs_afm.tasks.metrics`, with
            different names. Default: AUC and, named "logloss", binary cross-entropy; for a grouped
            loss per-group AUC and NDCG@10; for other losses the root mean squared error.

    Raises:
        TypeError: If the loss or a metric is not one of Keras.
        ValueError: If the loss takes logits for probabilities (`from_logits=False`) or is of
            several classes, or two metrics have one name.
    """

    def __init__(
        self,
        interaction: Layer,
        loss: Loss | None = None,
        metrics: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.interaction = interaction
        if loss is None:
            loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
        self._loss = checked_loss(loss)
        self._binary = bool(takes_logits(self._loss))
        given = self._default_metrics() if metrics is None else metrics
        self._task_metrics = checked_metrics(given, of_probabilities=self._binary)

    def logits(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
        *,
        training: bool | None = None,
    ) -> Tensor:
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

    def predictions(self, logits: Tensor) -> Tensor:
        """Turns logits into what the labels are: a probability, or the number itself.

        Args:
            logits: `(batch, 1)` floats.

        Returns:
            `(batch, 1)`: the sigmoid where the loss takes logits, clipped for a loss that clips,
            else the logits unchanged.
        """
        if hasattr(self._loss, "predictions"):
            return self._loss.predictions(logits)
        return tf.sigmoid(logits) if self._binary else logits

    def call(
        self,
        labels: Tensor,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
        sample_weight: Tensor | None = None,
        features: Mapping[str, Any] | None = None,
        training: bool = False,
        compute_metrics: bool = True,
    ) -> Tensor:
        """Computes the loss of a batch and updates the metrics.

        Args:
            labels: `(batch,)` or `(batch, 1)`.
            vectors: `(batch, n, dim)` floats.
            mask: `(batch, n)` bool. Default: all real.
            linear: `(batch, n)` floats. Default: no linear terms.
            groups: `(n,)` ints; pairs within one group are left out. Default: none is.
            sample_weight: `(batch,)` or `(batch, 1)` loss weights. Default: ones.
            features: Raw features, where a loss or a metric reads its group.
            training: Whether dropout applies. Metrics of groups are gathered outside of training
                only.
            compute_metrics: Whether to update the metrics.

        Returns:
            `()`, this replica's share of the mean loss over the global batch.
        """
        logits = self.logits(vectors, mask, linear, groups, training=training)
        return self.loss(
            labels,
            logits,
            sample_weight,
            features=features,
            training=training,
            compute_metrics=compute_metrics,
        )

    def loss(
        self,
        labels: Tensor,
        logits: Tensor,
        sample_weight: Tensor | None = None,
        *,
        features: Mapping[str, Any] | None = None,
        training: bool = False,
        compute_metrics: bool = True,
    ) -> Tensor:
        """Computes the loss of logits that are at hand; otherwise as the call.

        Args:
            labels: `(batch,)` or `(batch, 1)`.
            logits: `(batch, 1)`.
            sample_weight: `(batch,)` or `(batch, 1)` loss weights. Default: ones.
            features: Raw features, where a loss or a metric reads its group.
            training: Whether the batch is trained on; then metrics of groups are left alone.
            compute_metrics: Whether to update the metrics.

        Returns:
            `()`, this replica's share of the mean loss over the global batch.
        """
        labels = tf.reshape(tf.cast(labels, tf.float32), [-1, 1])
        counts = None
        if sample_weight is not None:
            sample_weight = tf.reshape(tf.cast(sample_weight, tf.float32), [-1])
            counts = sample_weight != 0  # (batch,)
            # 0 times NaN is NaN: a label that is missing must not be there at all.
            labels = tf.where(counts[:, tf.newaxis], labels, tf.zeros_like(labels))
        if compute_metrics:
            predictions = self.predictions(logits)
            for metric in self._task_metrics:
                if not isinstance(metric, GroupedMetric):
                    metric.update_state(labels, predictions, sample_weight=sample_weight)
                elif not training:
                    ids = group_ids(features, metric.group)
                    metric.update_state(labels, predictions, sample_weight, groups=ids)
        losses = self._example_losses(labels, logits, counts, features)  # (batch,)
        if sample_weight is not None:
            losses *= tf.cast(sample_weight, losses.dtype)
        size = tf.cast(global_rows(tf.shape(losses)[0]), losses.dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(losses), size)

    def _example_losses(self, labels: Tensor, logits: Tensor, counts: Any, features: Any) -> Tensor:
        """The `(batch,)` losses: strategies need the sum over the global batch, not a mean."""
        if not isinstance(self._loss, GroupedLoss):
            losses = tf.convert_to_tensor(self._loss.call(labels, logits))
            if losses.shape.rank == 0:
                raise ValueError(
                    "`loss` must give one number an example. Received: "
                    f"loss={type(self._loss).__name__}, whose `call` gives one for the batch. "
                    "Take the mean over the last axis only."
                )
            return tf.reshape(losses, [-1])
        ids = group_ids(features, self._loss.group)
        if counts is None:
            return self._loss.of_groups(labels, logits, ids)
        # An example that does not count is nobody's negative either.
        rows = tf.where(counts)  # (count, 1)
        kept = (tf.gather_nd(one, rows) for one in (labels, logits, ids))
        losses = self._loss.of_groups(*kept)
        return tf.scatter_nd(rows, losses, tf.shape(counts, tf.int64))

    def prefix_metrics(self, prefix: str) -> None:
        """Puts a prefix before the names of the metrics, to tell tasks of one model apart.

        Args:
            prefix: For example "click_"; nothing happens to names that have it.
        """
        for metric in self._task_metrics:
            if not metric.name.startswith(prefix):
                # Keras keeps track of each metric it ever saw, so no new ones may take their place.
                rename_metric(metric, prefix + metric.name)

    def _default_metrics(self) -> list[Any]:
        if isinstance(self._loss, GroupedLoss):
            return [GroupedAUC(self._loss.group), NDCG(self._loss.group)]
        if not self._binary:
            return [tf.keras.metrics.RootMeanSquaredError(name="rmse")]
        return [
            # Keras' 200 thresholds lump confident predictions together: .981 where .983 is right.
            tf.keras.metrics.AUC(num_thresholds=10_000, name="auc"),
            tf.keras.metrics.BinaryCrossentropy(name="logloss"),
        ]

    def get_config(self) -> dict[str, Any]:
        """Returns loss and metrics; the finals add their own arguments.

        Raises:
            NotImplementedError: If the loss cannot be made again from its own configuration. It is
                Keras' word for that: a SavedModel is written all the same.
        """
        try:
            type(self._loss).from_config(self._loss.get_config())
        except TypeError as error:
            raise NotImplementedError(
                f"`loss` must be made again by its own configuration to be saved. Received: "
                f"loss={type(self._loss).__name__}: {error}. Let its constructor take **kwargs "
                "and pass them on, and its `get_config` return every argument."
            ) from error
        loss = tf.keras.losses.serialize(self._loss)
        if "reduction" in loss["config"]:  # which is not asked; so it has always been written
            loss["config"]["reduction"] = tf.keras.losses.Reduction.NONE
        return {
            **super().get_config(),
            "loss": loss,
            "metrics": [tf.keras.metrics.serialize(metric) for metric in self._task_metrics],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InteractionTask":
        """Makes the task that `get_config` described."""
        metrics = [tf.keras.metrics.deserialize(one) for one in config["metrics"]]
        for index, metric in enumerate(metrics):  # earlier releases took two of one name
            before = [one.name for one in metrics[:index]]
            if metric.name in before:
                rename_metric(metric, f"{metric.name}_{index + 1}")
        loss = tf.keras.losses.deserialize(config["loss"])
        return cls(**{**config, "loss": loss, "metrics": metrics})


def global_rows(rows: Tensor) -> Tensor:
    """Adds up the rows of a step over the replicas of a `tf.distribute` strategy.

    The last batch of a data set seldom divides evenly; the mean over it is the mean of all its
    rows, not that of the replicas' means.

    Args:
        rows: `()` int32, the rows of this replica.

    Returns:
        `()` int32.

    Example:
        >>> int(global_rows(tf.constant(3)))
        3
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    context = tf.distribute.get_replica_context()
    if replicas == 1:
        return rows
    if context is None:  # nobody to ask: all that is known is how many there are
        return rows * replicas
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(rows))


def group_ids(features: Mapping[str, Any] | None, group: str) -> Tensor:
    """Reads the group of each example from a feature.

    Args:
        features: Raw features by name.
        group: Name of the feature: one integer or string an example.

    Returns:
        `(batch,)` int64; strings as fingerprints.

    Raises:
        ValueError: If there is no such feature, or it holds floats.

    Example:
        >>> group_ids({"user": tf.constant([[7], [9]])}, "user").numpy().tolist()
        [7, 9]
    """
    if features is None or group not in features:
        raise ValueError(
            f"`group` must name a feature of the batch. Received: group={group!r}. "
            f"Choose one of {sorted(features or {})}, or pass `features` to the task."
        )
    ids = features[group]
    if isinstance(ids, tf.SparseTensor):
        ids = tf.sparse.to_dense(ids)
    elif isinstance(ids, tf.RaggedTensor):
        ids = ids.to_tensor()
    ids = tf.reshape(ids, [-1])  # (batch,)
    if ids.dtype == tf.string:
        return tf.strings.to_hash_bucket_fast(ids, 2**63 - 1)
    if not ids.dtype.is_integer:
        raise ValueError(
            f"`group` must name a feature of integers or strings. Received: group={group!r} of "
            f"{ids.dtype.name}. Use an id, for example the user's."
        )
    return tf.cast(ids, tf.int64)
