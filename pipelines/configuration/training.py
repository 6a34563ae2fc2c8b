"""How a model is trained."""

from typing import Annotated, Any, Literal, Self

import pydantic

from pipelines.configuration.cluster import Cluster
from pipelines.configuration.early_stopping import EarlyStopping
from pipelines.configuration.ema import EMA
from pipelines.configuration.negatives import Negatives
from pipelines.configuration.optimizer import Optimizer
from pipelines.configuration.pretraining import Pretraining
from pipelines.configuration.schedule import Schedule
from pipelines.configuration.section import Section

_FREE = {
    "epochs",
    "checkpoint_every",
    "checkpoint_every_seconds",
    "keep_checkpoints",
    "steps_per_call",
    "profile_batch",
    "strategy",
    "cluster",
}


class Training(Section):
    """Passes over the data, the optimizer, and what is kept of the way there.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> training = Training(epochs=5, early_stopping={"monitor": "val_auc", "patience": 1})
        >>> training.optimizer.kind, training.early_stopping.direction
        ('adam', 'max')
    """

    epochs: pydantic.PositiveInt = 10
    """Most passes over the training part. The one number that may grow when a run goes on."""

    seed: int = pydantic.Field(default=0, ge=0, lt=2**31)
    """Decides the start of the weights, the order of the examples, dropout and what is sampled."""

    optimizer: Optimizer = Optimizer()
    """How gradients become updates."""

    schedule: Schedule = Schedule()
    """How the learning rate changes."""

    early_stopping: EarlyStopping = EarlyStopping()
    """Which epoch is best, and when training gives up."""

    ema: EMA | None = None
    """The running average of the weights. Left out: the weights themselves are judged."""

    pretraining: Pretraining | None = None
    """What the embeddings learn before. Left out: nothing."""

    negatives: Negatives | None = None
    """Negatives that training makes up. Left out: none."""

    class_weights: tuple[Annotated[float, pydantic.Field(ge=0)], ...] | None = pydantic.Field(
        default=None, min_length=2, max_length=2
    )
    """Weights of the examples labelled 0 and of those labelled 1, times their own. In training
    only."""

    checkpoint_every: pydantic.PositiveInt | None = None
    """Steps between two checkpoints within an epoch; each epoch ends with one anyway."""

    checkpoint_every_seconds: pydantic.PositiveFloat | None = 600.0
    """Seconds between two checkpoints within an epoch."""

    keep_checkpoints: int = pydantic.Field(default=2, ge=2)
    """How many of the last checkpoints are kept: should one be damaged, another stands behind."""

    steps_per_call: pydantic.PositiveInt = 16
    """Steps that run in TensorFlow without a look from Python, where a signal, a NaN and the time
    for a checkpoint are noticed. Does not change the weights."""

    profile_batch: tuple[pydantic.NonNegativeInt, pydantic.NonNegativeInt] | None = None
    """First and last step, from 0 over the whole run, of which TensorFlow's profile is written to
    `logs` for TensorBoard. Left out: none."""

    strategy: Literal["one", "mirrored", "multi_worker_mirrored", "parameter_server"] = "one"
    """Where the steps run: in one process; on several devices of one machine; in one process for
    each machine, all of which take the same steps; or in workers that take a step each, without
    waiting for one another, on tables that parameter servers hold. A run may go on under another
    one."""

    cluster: Cluster = Cluster()
    """Where the strategy has a choice."""

    @pydantic.model_validator(mode="after")
    def _check_profile(self) -> Self:
        if self.profile_batch is not None and self.profile_batch[0] > self.profile_batch[1]:
            raise ValueError(
                "`profile_batch` must be a first and a last step. Received: "
                f"profile_batch={list(self.profile_batch)}."
            )
        return self

    @pydantic.model_validator(mode="after")
    def _check_strategy(self) -> Self:
        if self.strategy != "parameter_server":
            return self
        if self.ema is not None:
            raise ValueError(
                "`ema` must be left out with the strategy parameter_server, under which no step "
                f"sees all weights. Received: ema={self.ema!r}."
            )
        if not self.optimizer.row_sparse:
            raise ValueError(
                "`optimizer.row_sparse` must be true with the strategy parameter_server: tf_keras' "
                "own optimizers keep their state by position, and shards have others. Received: "
                "row_sparse=False."
            )
        return self

    def deciding(self) -> dict[str, Any]:
        """Returns all but what decides neither the weights after a step nor which are best."""
        return self.model_dump(exclude=_FREE)
