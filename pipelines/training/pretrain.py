"""A factorization machine that trains the embeddings of another model."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.configuration.training import Pretraining, Training
from pipelines.modelling.build_model import make_optimizer
from pipelines.training.loop import Loop
from tfrs_afm._host import layers_of
from tfrs_afm.interactions.vectors import masked_vectors
from tfrs_afm.models.field_ranking import FieldRanking
from tfrs_afm.types import Dataset, Layer, Model, Shape, Tensor


def pretrain(
    model: Model,
    batches: Callable[[int, int], Any],
    validation: Dataset,
    folder: Path,
    training: Training,
    *,
    data: Mapping[str, Any],
    strategy: Any,
) -> None:
    """Trains tables, linear weights and bias of a model as those of a factorization machine.

    The machine is made of the model's own layers, so that nothing needs to be copied. It goes on
    with what is in `folder`.

    Args:
        model: A `tfrs_afm.models` model with its variables made, for one task.
        batches: As for `train`.
        validation: As for `train`.
        folder: The folder of the machine's own run.
        training: That of the model, with `pretraining`.
        data: As for `train`.
        strategy: As for `train`.

    Raises:
        ValueError: If the model is for several tasks, or has no bias to train.
    """
    settings = training.pretraining
    if settings is None:
        return
    machine = _Machine(model, settings)
    with strategy.scope():
        machine.compile(make_optimizer(settings.optimizer))
    given = {
        "epochs": settings.epochs,
        "optimizer": settings.optimizer,
        "early_stopping": {"patience": settings.patience if validation is not None else None},
        "ema": None,
        "pretraining": None,
        "schedule": {},
    }
    loop = Loop(
        machine,
        batches,
        validation,
        folder,
        Training(**{**dict(training), **given}),
        data=data,
        strategy=strategy,
    )
    loop.run("Pre-training", resume=True)


class _Machine(FieldRanking):
    """A factorization machine over the embedding of a model, with its bias, loss and metrics.

    Args:
        model: The model.
        settings: Whether its pairs are normalised, and how many are dropped.
    """

    def __init__(self, model: Model, settings: Pretraining) -> None:
        interaction = getattr(model.task, "interaction", None)
        linears = [
            layer
            for layer in ([] if interaction is None else layers_of(interaction))
            if isinstance(layer, tfrs_afm.interactions.Linear)
        ]
        if len(linears) != 1:
            raise ValueError(
                "`pretraining` must be for a model with one task, AFM or DeepFM. Received: "
                f"{type(model).__name__} with {type(model.task).__name__}. Leave it out."
            )
        config = model.task.get_config()
        loss = tf.keras.losses.deserialize(config["loss"])
        if isinstance(loss, tfrs_afm.tasks.losses.Branches):
            loss = loss.loss  # the machine has one branch
        task = tfrs_afm.tasks.Ranking(
            _Interaction(linears[0], settings),
            loss,
            [tf.keras.metrics.deserialize(one) for one in config["metrics"]],
        )
        super().__init__(model.embedding, task)
        self._config = model.get_config()

    def get_config(self) -> dict[str, Any]:
        """Returns that of the model, for the description of the run."""
        return dict(self._config)


class _Interaction(tf.keras.layers.Layer):
    """`w0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j`, the last of it regularized.

    The sum of the products (v_i * v_j) x_i x_j is normalised, then dropped from, then added up: so
    the authors train theirs, for a machine without that soon knows its examples by heart.
    Reference: FM.py of https://github.com/hexiangnan/attentional_factorization_machine.

    Args:
        linear: The layer with w0.
        settings: Whether its pairs are normalised, and how many are dropped.
    """

    def __init__(self, linear: Layer, settings: Pretraining) -> None:
        super().__init__()
        self._linear = linear
        self._pooling: Any = tfrs_afm.interactions.SumPooling()
        if settings.batch_norm:
            self._pooling = tfrs_afm.interactions.BatchNormPooling(self._pooling, momentum=0.9)
        self._dropout = tf.keras.layers.Dropout(settings.dropout)

    def build(self, input_shape: Shape) -> None:
        """Makes what normalises."""
        self._pooling.build((None, None, input_shape[-1]))
        super().build(input_shape)

    def call(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
        training: bool | None = None,  # noqa: FBT001
    ) -> Tensor:
        """Scores a batch: `(batch, 1)`."""
        vectors, mask = masked_vectors(vectors, mask)
        pooled = self._pooling.pool_members(vectors, mask, groups, training=training)
        pooled = self._dropout(pooled, training=training)
        pairs = tf.reduce_sum(pooled, axis=1, keepdims=True)
        return pairs + self._linear(linear, mask=mask, batch=tf.shape(vectors)[0])
