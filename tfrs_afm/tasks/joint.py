"""Several tasks over one embedding."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from tfrs_afm.tasks.arguments import require_different_names
from tfrs_afm.types import KerasLayer, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Joint(KerasLayer, tfrs.tasks.Task):
    """Several tasks over the same embedded fields, for example click and rating.

        loss = sum over tasks t of weight_t loss_t
    Each task has its own interaction, loss and metrics; the embedding learns from all of them. An
    example that lacks the label of a task gets weight 0 for that task alone.

    Args:
        tasks: Tasks by name; the names are the keys of the labels, and prefixes of the metrics.
        weights: Weights of the losses by name. Default: 1 each.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tasks = tfrs_afm.tasks
        >>> rating = tasks.AFM(4, loss=tasks.losses.ClippedSquaredError(1.0, 5.0))
        >>> task = tasks.Joint({"click": tasks.AFM(4), "rating": rating}, {"rating": 0.5})
        >>> labels = {"click": tf.constant([1.0, 0.0]), "rating": tf.constant([1.0, 3.0])}
        >>> round(float(task(labels, tf.zeros([2, 3, 8]))), 4)
        3.1931
    """

    def __init__(
        self, tasks: Mapping[str, Any], weights: Mapping[str, float] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        unknown = sorted(set(weights or {}) - set(tasks))
        if unknown:
            raise ValueError(
                f"`weights` must be of tasks. Received: weights={dict(weights or {})}. "
                f"Leave out {unknown}; the tasks are {sorted(tasks)}."
            )
        self.tasks = dict(tasks)
        self.weights_of = {name: float((weights or {}).get(name, 1.0)) for name in tasks}
        for name, task in self.tasks.items():
            task.prefix_metrics(f"{name}_")
        require_different_names(
            metric.name for task in self.tasks.values() for metric in task.metrics
        )

    def logits(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
        *,
        training: bool | None = None,
    ) -> dict[str, Any]:
        """Scores embedded fields; see `AFM.logits`. Returns `(batch, 1)` by name of the task."""
        return {
            name: task.logits(vectors, mask, linear, groups, training=training)
            for name, task in self.tasks.items()
        }

    def predictions(self, logits: Mapping[str, Any]) -> dict[str, Any]:
        """Turns logits into what each task's labels are, by name of the task."""
        return {name: task.predictions(logits[name]) for name, task in self.tasks.items()}

    def start_at_mean(self, means: Mapping[str, float]) -> None:
        """Sets the w0 of tasks to the means of their labels; see `AFM.start_at_mean`.

        Args:
            means: Means by name of the task; a task that is left out keeps its w0.

        Raises:
            ValueError: If there is no such task, or one of them has no such w0.
        """
        unknown = sorted(set(means) - set(self.tasks))
        if unknown:
            raise ValueError(
                f"`means` must be of tasks. Received: means={dict(means)}. "
                f"Leave out {unknown}; the tasks are {sorted(self.tasks)}."
            )
        for name, mean in means.items():
            self.tasks[name].start_at_mean(mean)

    def call(
        self,
        labels: Mapping[str, Any],
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
            labels: Labels by name of the task.
            vectors: `(batch, n, dim)` floats.
            mask: `(batch, n)` bool. Default: all real.
            linear: `(batch, n)` floats. Default: no linear terms.
            groups: `(n,)` ints; pairs within one group are left out. Default: none is.
            sample_weight: Loss weights for all tasks, or a dict of them by name. Default: ones.
            features: Raw features, where a loss or a metric reads its group.
            training: Whether dropout applies.
            compute_metrics: Whether to update the metrics.

        Returns:
            `()`, this replica's share of the mean loss over the global batch.
        """
        return self.loss(
            labels,
            self.logits(vectors, mask, linear, groups, training=training),
            sample_weight,
            features=features,
            training=training,
            compute_metrics=compute_metrics,
        )

    def loss(
        self,
        labels: Mapping[str, Any],
        logits: Mapping[str, Any],
        sample_weight: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        """Computes the loss of logits that are at hand.

        Args:
            labels: Labels by name of the task.
            logits: Logits by name of the task.
            sample_weight: Loss weights for all tasks, or a dict of them by name. Default: ones.
            **options: As `AFM.loss` takes them.

        Returns:
            `()`, this replica's share of the mean loss over the global batch.

        Raises:
            ValueError: If the labels are not one for each task.
        """
        if not isinstance(labels, Mapping) or set(labels) != set(self.tasks):
            got = sorted(labels) if isinstance(labels, Mapping) else type(labels).__name__
            raise ValueError(
                f"`labels` must be a dict with the keys {sorted(self.tasks)}. "
                f"Received: labels={got}. Map the data set to one label for each task."
            )
        by_name = sample_weight if isinstance(sample_weight, Mapping) else None
        losses = []
        for name, task in self.tasks.items():
            weight = sample_weight if by_name is None else by_name.get(name)
            loss = task.loss(labels[name], logits[name], weight, **options)
            losses.append(self.weights_of[name] * loss)
        return tf.add_n(losses)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, the tasks serialized."""
        return {
            **super().get_config(),
            "tasks": {name: tf.keras.layers.serialize(task) for name, task in self.tasks.items()},
            "weights": self.weights_of,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Joint":
        """Makes the task that `get_config` described."""
        tasks = {name: tf.keras.layers.deserialize(task) for name, task in config["tasks"].items()}
        return cls(**{**config, "tasks": tasks})
