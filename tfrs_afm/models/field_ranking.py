"""What the ready models have in common."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import tensorflow as tf
import tensorflow_recommenders as tfrs

from tfrs_afm._host import mark_built
from tfrs_afm.columns.field import scope_name
from tfrs_afm.columns.parsing import parse_spec
from tfrs_afm.columns.serialization import deserialize_columns
from tfrs_afm.columns.vocabulary import vocabulary_hashes
from tfrs_afm.frames import keras_arguments
from tfrs_afm.tasks.arguments import require_different_names
from tfrs_afm.tasks.interaction_task import global_rows
from tfrs_afm.tasks.metrics import GroupedMetric
from tfrs_afm.types import Layer, Loss, Task, Tensor

_OF_THE_TASK = ("loss", "metrics", "weighted_metrics", "loss_weights")


class FieldRanking(tfrs.Model):
    """Feature columns, embedded, into a task; abstract, see `AFM` and `DeepFM`.

    Trains on batches `(features, labels)` or `(features, labels, sample_weight)`. Unlike a plain
    `tfrs.Model`, `fit` and `evaluate` report the true mean loss over the epoch and not that of the
    last batch, the loss is the mean over the global batch under any `tf.distribute` strategy, and
    regularization counts once however many replicas there are.

    Args:
        embedding: Layer from features to vectors, mask and linear terms.
        task: The task over its fields.
    """

    if TYPE_CHECKING:  # the stubs of Keras say that a new model is a `Model`, whatever its class

        def __new__(cls, *args: Any, **kwargs: Any) -> Self:
            """Makes a model of this class."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Predicts; see `call`."""

    def __init__(self, embedding: Layer, task: Task, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.embedding = embedding
        self.task = task
        self._loss_tracker = tf.keras.metrics.Mean(name="loss")
        require_different_names(metric.name for metric in self.metrics)

    @property
    def columns(self) -> list[Any]:
        """The feature columns, in declared order."""
        return list(self.embedding.columns)

    def logits(self, features: Mapping[str, Any], *, training: bool | None = None) -> Tensor:
        """Scores a batch, before the sigmoid.

        Args:
            features: Raw features by name.
            training: Whether dropout applies.

        Returns:
            `(batch, 1)` float32.
        """
        return self.task.logits(*self.embedding(features)[:3], training=training)

    def call(self, features: Mapping[str, Any], training: bool | None = None) -> Tensor:
        """Predicts a batch: `(batch, 1)` float32, a probability for binary labels."""
        return self.task.predictions(self.logits(features, training=training))

    def calibrate(self, calibration: Layer | None, task: str | None = None) -> None:
        """Sets what predictions go through before the sigmoid; see `InteractionTask.calibrate`.

        Args:
            calibration: One of `tfrs_afm.tasks.calibration`; None to take it off.
            task: Which task of a `MultiTask`.

        Raises:
            ValueError: If the model has no such task, or it predicts no probabilities.
        """
        self.task_named(task).calibrate(calibration)
        # What Keras has traced would go on without it.
        self.train_function = self.test_function = self.predict_function = None

    def task_named(self, name: str | None) -> Task:
        """Returns the task of this name; None for the only one.

        Raises:
            ValueError: If there is none, or a name is needed.
        """
        tasks = getattr(self.task, "tasks", None)
        if tasks is None and name is None:
            return self.task
        if not tasks or name not in tasks:
            raise ValueError(
                f"`task` must name a task of the model. Received: task={name!r}. "
                + (
                    f"Choose one of {sorted(tasks)}."
                    if tasks
                    else "Leave it out: there is only one."
                )
            )
        return tasks[name]

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, **kwargs: Any) -> None:
        """Takes the optimizer; loss and metrics are the task's.

        Args:
            optimizer: An optimizer of Keras or of this package, or its name.
            loss: Must be left out, as must `metrics`, `weighted_metrics` and `loss_weights`.
            **kwargs: `run_eagerly`, `steps_per_execution` and so on, as in Keras.

        Raises:
            ValueError: If a loss or metrics are given, which training would not use, or
                `jit_compile=True`.
        """
        for name in _OF_THE_TASK:
            given = {"loss": loss, **kwargs}.get(name)
            if given is not None:
                raise ValueError(
                    f"`{name}` must be left out of `compile`, as the task has loss and metrics. "
                    f"Received: {name}={given!r}. Give it to the task, as in "
                    "tfrs_afm.tasks.AFM(8, loss=..., metrics=[...])."
                )
        if kwargs.get("jit_compile"):
            raise ValueError(
                "`jit_compile` must be False. Received: jit_compile=True. XLA compiles neither "
                "text nor ids whose number changes from batch to batch, which feature columns "
                "read. On a CPU `tfrs_afm.kernels` are there for speed."
            )
        super().compile(optimizer, **kwargs)

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compiles a model that is being loaded, so that its optimizer goes on where it was.

        Keras leaves this out for a class with a `compile` of its own. A loss or metrics of a file
        written before they were refused were never used, and are dropped here, too.

        Args:
            config: What `get_compile_config` returned when the model was saved.
        """
        arguments = tf.keras.saving.deserialize_keras_object(config)
        self.compile(**{k: v for k, v in arguments.items() if k not in _OF_THE_TASK})
        if self.built and hasattr(self.optimizer, "build"):  # Legacy optimizers have none.
            self.optimizer.build(self.trainable_variables)

    def compute_loss(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Computes the loss of `(features, labels[, sample_weight])` and updates the metrics."""
        if not isinstance(inputs, list | tuple) or len(inputs) not in (2, 3):
            raise ValueError(
                "`inputs` must be (features, labels) or (features, labels, sample_weight). "
                f"Received: inputs={type(inputs).__name__}. Map the data set to such tuples."
            )
        features, labels, sample_weight = (*inputs, None)[:3]
        logits = self.logits(features, training=training)
        loss = self.task.loss(labels, logits, sample_weight, features=features, training=training)
        rows = tf.shape(tf.nest.flatten(logits)[0])[0]
        # `loss` is a share: times all rows and divided by this replica's it is its own mean.
        summed = loss * tf.cast(global_rows(rows), loss.dtype)
        mean = tf.math.divide_no_nan(summed, tf.cast(rows, loss.dtype))
        self._loss_tracker.update_state(mean, sample_weight=rows)
        mark_built(self, features)
        return loss

    def train_step(self, inputs: Tensor) -> dict[str, Any]:
        """Trains on one batch; returns the metrics of the epoch so far."""
        with tf.GradientTape() as tape:
            loss = self.compute_loss(inputs, training=True)
            total = loss + self._regularization()
            scaled = self._scaled(total)
        variables = self.trainable_variables
        gradients = tape.gradient(scaled, variables, self._one_if_finite(total))
        if scaled is not total:
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self._results()

    def test_step(self, inputs: Tensor) -> dict[str, Any]:
        """Evaluates one batch; returns the metrics so far."""
        self.compute_loss(inputs, training=False)
        return self._results()

    def fit(self, *args: Any, **kwargs: Any) -> tf.keras.callbacks.History:
        """Trains as Keras does, also on a data frame: `fit(frame, "clicked", epochs=3)`.

        Args:
            *args: As in Keras. `x`, and the first of `validation_data`, may be a data frame, as for
                `frame_features`; then labels and sample weights may be names of its columns.
            **kwargs: As in Keras.
        """
        return super().fit(**self._without_frames(super().fit, args, kwargs))

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Predicts as Keras does, also for a data frame, one row an example."""
        return super().predict(**self._without_frames(super().predict, args, kwargs))

    def evaluate(self, *args: Any, return_dict: bool = False, **kwargs: Any) -> Any:
        """Evaluates as Keras does, and adds the metrics of groups, computed once at the end.

        Args:
            *args: As in Keras; a data frame as for `fit`.
            return_dict: Whether to return a dict by name in place of a list.
            **kwargs: As in Keras.
        """
        arguments = self._without_frames(super().evaluate, args, kwargs)
        logs = super().evaluate(**{**arguments, "return_dict": True})
        logs.update(
            (metric.name, float(metric.result()))
            for metric in self.metrics
            if isinstance(metric, GroupedMetric)
        )
        return logs if return_dict else list(logs.values())

    def _without_frames(
        self, call: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> dict[str, Any]:
        read = parse_spec(self.columns)
        groups = {one.group for one in self.metrics if isinstance(one, GroupedMetric)}
        return keras_arguments(call, args, kwargs, self.columns, sorted(groups - read.keys()))

    @staticmethod
    def objects_of(config: dict[str, Any], custom_objects: Any = None) -> dict[str, Any]:
        """Turns a configuration into constructor arguments.

        Args:
            config: What `get_config` of a ready model returned.
            custom_objects: Further Keras objects by name.

        Returns:
            The same, with columns and task as objects.
        """
        task = config["task"] and tf.keras.layers.deserialize(config["task"], custom_objects)
        columns = deserialize_columns(config["columns"], custom_objects)
        return {**config, "columns": columns, "task": task}

    def save_spec(self, dynamic_batch: bool = True) -> Any:
        """Says what the model was called with, by names that a SavedModel's signature takes.

        Args:
            dynamic_batch: Whether the number of rows is left open.

        Returns:
            As Keras: `(args, kwargs)` of `TensorSpec`s, or None before the first call.
        """
        spec, taken = super().save_spec(dynamic_batch), set[str]()

        def named(one: Any) -> Any:
            if not isinstance(one, tf.TensorSpec) or one.name is None:
                return one
            name = scope_name(one.name, root=True, taken=taken)
            taken.add(name.lower())
            return tf.TensorSpec(one.shape, one.dtype, name)

        return spec and tf.nest.map_structure(named, spec)

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Saves as Keras does; a model that nothing was asked of yet has its first weights then.

        Args:
            filepath: `model.keras`, or a folder for a SavedModel.
            *args: As in Keras.
            **kwargs: As in Keras.
        """
        self._build_from_columns()
        super().save(filepath, *args, **kwargs)

    def get_build_config(self) -> dict[str, Any]:
        """Says that the columns build the model; Keras skips the build where this is empty."""
        self._build_from_columns()
        return {"built_from": "columns", "vocabularies": self._vocabularies()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Makes the variables of a model that is being loaded, from an empty batch.

        Raises:
            ValueError: If a vocabulary file holds other words than when the model was saved: its
                rows would be those of other ids.
        """
        self._build_from_columns()
        found = self._vocabularies()
        for file, content in config.get("vocabularies", {}).items():
            if found[file] != content:
                raise ValueError(
                    "`vocabulary_file` must hold the words the model was saved with. Received: "
                    f"vocabulary_file={file} with other words. Give the vocabulary of each model a "
                    "file of its own, and leave it as it is."
                )

    def _build_from_columns(self) -> None:
        """Makes the variables of a model that is not built, from an empty batch."""
        if not self.built:
            examples = tf.zeros([0], tf.string)
            self(tf.io.parse_example(examples, parse_spec(self.columns)))

    def _vocabularies(self) -> dict[str, str]:
        return vocabulary_hashes(self.embedding.fields, self.embedding.words)

    def _results(self) -> dict[str, Any]:
        """The metrics that cost little at every step."""
        return {
            metric.name: metric.result()
            for metric in self.metrics
            if not isinstance(metric, GroupedMetric)
        }

    def _one_if_finite(self, loss: Loss) -> Tensor:
        """What backpropagation starts from; without it no gradient, and no update, is computed.

        The check is part of the graph: unlike a look at the loss from Python, nothing waits for it.
        """
        step = tf.convert_to_tensor(self.optimizer.iterations)
        message = ["`loss` must be finite. Received: loss=", loss, "at step", step]
        message.append("Lower the learning rate, or look for NaN in the numbers of this batch.")
        check = tf.debugging.Assert(tf.math.is_finite(loss), message)
        with tf.control_dependencies([] if check is None else [check]):
            return tf.ones_like(loss)

    def _regularization(self) -> Tensor:
        if not self.losses:
            return 0.0
        losses = [tf.cast(loss, tf.float32) for loss in self.losses]
        return tf.nn.scale_regularization_loss(tf.add_n(losses))

    def _scaled(self, loss: Loss) -> Tensor:
        """The loss as the optimizer wants it differentiated: scaled under mixed precision."""
        scale = getattr(self.optimizer, "get_scaled_loss", None)
        return loss if scale is None else scale(loss)
