"""What tasks have in common: logits and labels to loss and metrics."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from tfrs_afm._host import layers_of, rename_metric
from tfrs_afm.interactions.linear import Linear
from tfrs_afm.interactions.multi_embedding import MultiEmbedding
from tfrs_afm.tasks.arguments import checked_loss, checked_metrics, takes_logits
from tfrs_afm.tasks.losses import Branches, GroupedLoss
from tfrs_afm.tasks.metrics import NDCG, GroupedAUC, GroupedMetric
from tfrs_afm.tasks.ranked_groups import group_ids
from tfrs_afm.types import KerasLayer, Layer, Loss, Tensor


class InteractionTask(KerasLayer, tfrs.tasks.Task):
    """An interaction with its loss and metrics; abstract, see `AFM` and `DeepFM`.

    Args:
        interaction: Layer from `(vectors, mask, linear)` to logits.
        loss: Keras loss from labels and logits, or one of `tfrs_afm.tasks.losses`; the name of one
            of Keras' own, too. Default: binary cross-entropy from logits.
        metrics: Keras metrics of labels and predictions, or some of `tfrs_afm.tasks.metrics`, with
            different names. Default: AUC and, named "logloss", binary cross-entropy; for a grouped
            loss per-group AUC and NDCG@10; for other losses the root mean squared error.
        calibration: See `calibrate`. Default: none.

    Raises:
        TypeError: If the loss or a metric is not one of Keras.
        ValueError: If the loss takes logits for probabilities (`from_logits=False`) or is of
            several classes, two metrics have one name, or a calibration is given where the task
            predicts no probabilities.
    """

    def __init__(
        self,
        interaction: Layer,
        loss: Loss | None = None,
        metrics: Sequence[Any] | None = None,
        calibration: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.interaction = interaction
        if loss is None:
            loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
        self._loss = checked_loss(loss)
        if isinstance(self._loss, Branches) and not getattr(interaction, "has_branches", False):
            raise ValueError(
                "`loss` must be of one branch where there are not two. Received: loss=Branches "
                f"with interaction={type(interaction).__name__}. Take DeepFM, or AFM with `deep`."
            )
        self._binary = bool(takes_logits(self._loss))
        given = self._default_metrics() if metrics is None else metrics
        self._task_metrics = checked_metrics(given, of_probabilities=self._binary)
        self.calibrate(calibration)
        self.built = True  # it has no variables of its own; Keras warns of layers never called

    @property
    def binary(self) -> bool:
        """Whether predictions are probabilities of label 1."""
        return self._binary

    @property
    def calibration(self) -> Layer | None:
        """What predictions go through before the sigmoid; None for logits as they are."""
        return self._calibration

    def calibrate(self, calibration: Layer | None) -> None:
        """Sets what predictions go through before the sigmoid.

        Logits and the loss stay those of the model: a calibration is fitted to them, after
        training. `FieldRanking.calibrate` does the same for a model that has answered already.

        Args:
            calibration: One of `tfrs_afm.tasks.calibration`, fitted on examples that the model was
                not trained on, or a layer of your own from logits to log-odds; None to take it off.

        Raises:
            ValueError: If the task predicts no probabilities.

        Example:
            >>> import tensorflow as tf, tfrs_afm
            >>> task = tfrs_afm.tasks.AFM(4)
            >>> task.calibrate(tfrs_afm.tasks.calibration.Scaling(shift=1.0986123))  # log 3
            >>> task.predictions(tf.zeros([1, 1])).numpy().tolist()
            [[0.75]]
        """
        if calibration is not None and not self._binary:
            raise ValueError(
                "`calibration` must be left out where no probabilities are predicted. Received: "
                f"calibration={type(calibration).__name__} with loss={type(self._loss).__name__}."
            )
        self._calibration = calibration

    def log_odds(self, logits: Tensor) -> Tensor:
        """Returns what the sigmoid makes probabilities of: the logits, calibrated where they are.

        Args:
            logits: `(batch, 1)` floats.

        Returns:
            `(batch, 1)` floats.
        """
        return logits if self._calibration is None else self._calibration(logits)

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
            Logits `(batch, 1)` float32; in training with `losses.Branches` those of the two
            branches, `(batch, 2)`.
        """
        rank = getattr(getattr(vectors, "shape", None), "rank", None)
        if rank is not None and rank < 3:
            raise ValueError(
                "`vectors` must be (batch, n, dim), embedded fields. Received: vectors of shape "
                f"{vectors.shape}. This task makes the predictions itself: where a model makes "
                "them, as tfrs.experimental.models.Ranking does, keep its own task, and pass "
                "tfrs_afm.interactions.AFM(...) as feature_interaction."
            )
        apart = {"branches": True} if training and isinstance(self._loss, Branches) else {}
        logits = self.interaction(
            vectors, mask=mask, linear=linear, groups=groups, training=training, **apart
        )
        return tf.cast(logits, tf.float32)

    def predictions(self, logits: Tensor) -> Tensor:
        """Turns logits into what the labels are: a probability, or the number itself.

        Args:
            logits: `(batch, 1)` floats.

        Returns:
            `(batch, 1)`: the sigmoid of the log-odds where the loss takes logits, clipped for a
            loss that clips, else the logits unchanged.
        """
        loss = self._loss
        if isinstance(loss, Branches):
            logits, loss = loss.mean(logits), loss.loss
        if hasattr(loss, "predictions"):
            return loss.predictions(logits)
        return tf.sigmoid(self.log_odds(logits)) if self._binary else logits

    def start_at_mean(self, mean: float) -> None:
        """Sets w0 so that a model that knows nothing else predicts the mean of the labels.

            w0 = log(mean / (1 - mean)) for a loss of logits, otherwise w0 = mean
        Training then learns from its first step what tells examples apart, and spends no epochs
        on their mean. Call it before training, on a task whose weights are made.

        Args:
            mean: The mean of the training labels.

        Raises:
            ValueError: If there is no such w0: the mean of a probability is not between 0 and 1,
                the loss compares examples of a group, or there is no `Linear` layer that is built.

        Example:
            >>> import tensorflow as tf, tfrs_afm
            >>> task = tfrs_afm.tasks.AFM(4)
            >>> _ = task.logits(tf.zeros([1, 2, 8]))
            >>> task.start_at_mean(0.25)
            >>> task.predictions(task.logits(tf.zeros([1, 2, 8]))).numpy().tolist()
            [[0.25]]
        """
        if isinstance(self._loss, GroupedLoss):
            raise ValueError(
                f"`loss` must depend on w0. Received: loss={type(self._loss).__name__}, which "
                "compares the examples of a group. Leave the start of w0 out."
            )
        if self._binary and not 0 < mean < 1:
            raise ValueError(
                f"`mean` must be between 0 and 1 for probabilities. Received: mean={mean}. "
                "Labels of one class have no such start: leave it out."
            )
        parts = layers_of(self.interaction)
        linears = [one for one in parts if isinstance(one, Linear)]  # w0 is the mean of the sets'
        sets = next((one.sets for one in parts if isinstance(one, MultiEmbedding)), 1)
        if len(linears) != sets or not all(one.built for one in linears):
            raise ValueError(
                "`interaction` must have one `Linear` layer, with its weights made. Received: inter"
                f"action={type(self.interaction).__name__} with {sum(one.built for one in linears)}"
                ". Call the model on a batch first, or set the bias of one of your own yourself."
            )
        start = math.log(mean / (1 - mean)) if self._binary else mean
        for one in linears:
            one.bias.assign([start])

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
        if isinstance(self._loss, Branches):
            return tf.reshape(self._loss.of_counted(labels, logits, counts), [-1])
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
        except (AttributeError, NotImplementedError, TypeError) as error:
            raise NotImplementedError(
                f"`loss` must be made again by its own configuration to be saved. Received: "
                f"loss={type(self._loss).__name__}: {error}. Let its constructor take **kwargs "
                "and pass them on to that of Keras, and its `get_config` return every argument."
            ) from error
        loss = tf.keras.losses.serialize(self._loss)
        if "reduction" in loss["config"]:  # which is not asked; so it has always been written
            loss["config"]["reduction"] = tf.keras.losses.Reduction.NONE
        config = {
            **super().get_config(),
            "loss": loss,
            "metrics": [tf.keras.metrics.serialize(metric) for metric in self._task_metrics],
        }
        if self._calibration is not None:  # files without one are as they have always been
            config["calibration"] = tf.keras.layers.serialize(self._calibration)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InteractionTask":
        """Makes the task that `get_config` described."""
        metrics = [tf.keras.metrics.deserialize(one) for one in config["metrics"]]
        for index, metric in enumerate(metrics):  # earlier releases took two of one name
            before = [one.name for one in metrics[:index]]
            if metric.name in before:
                rename_metric(metric, f"{metric.name}_{index + 1}")
        loss = tf.keras.losses.deserialize(config["loss"])
        made = {"loss": loss, "metrics": metrics}
        if config.get("calibration") is not None:
            made["calibration"] = tf.keras.layers.deserialize(config["calibration"])
        return cls(**{**config, **made})


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
