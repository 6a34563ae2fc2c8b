"""The section `training`: epochs, optimizer, schedule, early stopping, averages, pre-training."""

from typing import Annotated, Any, Literal, Self

import pydantic

from pipelines.configuration.evaluation import direction_of
from pipelines.configuration.section import Section


class Optimizer(Section):
    """The optimizer, its learning rate and what clips its gradients.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> Optimizer(kind="adagrad", learning_rate=0.05).row_sparse
        True
    """

    kind: Literal["adam", "adagrad", "ftrl", "sgd"] = "adam"
    """Which one."""

    learning_rate: pydantic.PositiveFloat = 0.001
    """Size of a step; a schedule multiplies it."""

    row_sparse: bool = True
    """Whether a step moves only the rows that its batch looked up (`tfrs_afm.optimizers`), or all
    rows, as tf_keras' own optimizers do: slower the larger the tables, but weight decay and
    momentum then reach rows that are seldom seen."""

    weight_decay: pydantic.NonNegativeFloat = 0.0
    """Share of a weight, times the learning rate, that each step takes off."""

    clipvalue: pydantic.PositiveFloat | None = None
    """Largest absolute value of an element of a gradient."""

    clipnorm: pydantic.PositiveFloat | None = None
    """Largest norm of the gradient of one variable."""

    global_clipnorm: pydantic.PositiveFloat | None = None
    """Largest norm of all gradients together."""

    arguments: dict[str, bool | float] = pydantic.Field(default_factory=dict)
    """Further arguments of the optimizer, for example `{beta_2 = 0.99}` for adam or
    `{momentum = 0.9}` for sgd."""

    @pydantic.model_validator(mode="after")
    def _one_clipping(self) -> "Optimizer":
        names = ("clipvalue", "clipnorm", "global_clipnorm")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(
                f"`optimizer` must clip gradients in one way. Received: {', '.join(given)}. "
                "Keep one of them."
            )
        return self


class Schedule(Section):
    """A factor on the learning rate that depends on the step, and one that depends on success.

    With s steps done, of which the first `warmup_steps` are the warm-up, t = s - warmup_steps:
        warm-up      (s + 1) / warmup_steps
        constant     1
        step         decay_rate ^ floor(t / decay_steps)
        exponential  decay_rate ^ (t / decay_steps)
        cosine       floor + (1 - floor) (1 + cos(pi min(t / decay_steps, 1))) / 2
    `step` and `exponential` do not fall below `floor`. Steps and not epochs, so that a run with
    more epochs begins as the shorter one did.

    Raises:
        pydantic.ValidationError: If a decay lacks `decay_steps`, or constant has one.

    Example:
        >>> Schedule(kind="cosine", decay_steps=10_000, warmup_steps=500).floor
        0.0
    """

    kind: Literal["constant", "step", "exponential", "cosine"] = "constant"
    """Form of the decay."""

    warmup_steps: pydantic.NonNegativeInt = 0
    """Steps over which the learning rate rises to its full size."""

    decay_steps: pydantic.PositiveInt | None = None
    """Steps for one `decay_rate`, or for the whole half wave of `cosine`."""

    decay_rate: float = pydantic.Field(default=0.1, gt=0, le=1)
    """Factor of `step` and `exponential` over `decay_steps`."""

    floor: float = pydantic.Field(default=0.0, ge=0, lt=1)
    """Least factor of a decay."""

    plateau_patience: pydantic.PositiveInt | None = None
    """Epochs without a better monitored metric after which the learning rate falls. Left out: it
    does not."""

    plateau_factor: float = pydantic.Field(default=0.1, gt=0, lt=1)
    """Factor on the learning rate after such epochs."""

    plateau_floor: float = pydantic.Field(default=1e-6, ge=0)
    """Learning rate that this leaves at least, before the factor of the step."""

    @pydantic.model_validator(mode="after")
    def _decay_or_not(self) -> "Schedule":
        if (self.kind == "constant") != (self.decay_steps is None):
            rule = "be left out for" if self.kind == "constant" else "be given for"
            raise ValueError(
                f"`decay_steps` must {rule} this kind. Received: "
                f"decay_steps={self.decay_steps}, kind={self.kind!r}."
            )
        return self


class EarlyStopping(Section):
    """The metric that decides which weights are best, and how long it may fail to get better.

    Raises:
        pydantic.ValidationError: If the mode is left out and the metric's name does not tell it.

    Example:
        >>> EarlyStopping(monitor="val_auc", patience=2).direction
        'max'
    """

    monitor: str = "val_loss"
    """A metric as `history.jsonl` names it: `val_` and its name in the model, or the name alone
    for its value in training."""

    mode: Literal["min", "max"] | None = None
    """Whether a low or a high value of `monitor` is good. Left out: what its name says."""

    patience: pydantic.PositiveInt | None = None
    """Epochs in a row without a better value after which training ends. Left out: it goes on."""

    min_delta: pydantic.NonNegativeFloat = 0.0
    """By how much a value must be better to count."""

    @pydantic.model_validator(mode="after")
    def _known_direction(self) -> "EarlyStopping":
        if self.mode is None and direction_of(self.monitor) is None:
            raise ValueError(
                "`mode` must be given for a metric whose name does not say whether less is "
                f"better. Received: monitor={self.monitor!r}. Add mode = 'min' or 'max'."
            )
        return self

    @property
    def direction(self) -> Literal["min", "max"]:
        """Whether a low ("min") or a high ("max") value is good."""
        return self.mode or direction_of(self.monitor) or "min"


class EMA(Section):
    """An exponential moving average of the trainable weights, which is evaluated and kept as best.

        average <- average + (1 - momentum^every) (weights - average)       after each `every` steps
    It starts at the first weights. It is the same for every optimizer, row-sparse ones included:
    a row that no batch looks up still comes closer to its last value. One update reads and writes
    all tables, so with large ones `every` should be some tens of steps.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> EMA(momentum=0.99, every=10).overwrite
        False
    """

    momentum: float = pydantic.Field(default=0.999, gt=0, lt=1)
    """Share of the old average that one step leaves."""

    every: pydantic.PositiveInt = 1
    """Steps between two updates, each then worth that many."""

    overwrite: bool = False
    """Whether the average takes the place of the weights after each epoch, and training goes on
    from it."""


class Pretraining(Section):
    """Training of a factorization machine over the same columns; the model begins with its weights.

    The authors of AFM start from the vectors, linear weights and bias of such a machine, and report
    lower errors for it.
    Reference: Xiao et al. 2017, https://arxiv.org/abs/1708.04617, section 4.1.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> Pretraining(epochs=3, batch_norm=True, dropout=0.3).optimizer.kind
        'adam'
    """

    batch_norm: bool = False
    """Whether the sum of the pairs is normalised before it is added up, as in the authors' machine;
    the model begins without that."""

    dropout: float = pydantic.Field(default=0.0, ge=0, lt=1)
    """Share of the sum of the pairs that training drops, behind that; theirs is 0.3."""

    epochs: pydantic.PositiveInt = 10
    """Most passes over the training split."""

    optimizer: Optimizer = Optimizer()
    """How gradients become updates."""

    patience: pydantic.PositiveInt | None = None
    """Epochs in a row without a lower validation loss after which it ends. The best ones' weights
    are taken either way."""


class Negatives(Section):
    """Examples that training makes up: a positive with another item, labelled 0.

    Others are drawn in each epoch. No item is drawn that is a positive of the same group.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> Negatives(item="movie_id", group="user_id").per_positive
        4
    """

    item: str
    """The feature that says which item an example is about."""

    item_features: tuple[str, ...] = ()
    """Features that change with the item; all others stay those of the positive."""

    group: str | None = None
    """The feature whose positives are not drawn as its negatives, for example the user. Left out:
    only the item of the positive itself is not drawn."""

    per_positive: pydantic.PositiveInt = 4
    """Negatives for each positive."""

    distribution: Literal["uniform", "popularity"] = "uniform"
    """Whether each item is as likely, or in proportion to how often it is a positive."""

    power: float = pydantic.Field(default=1.0, gt=0, le=1)
    """Exponent of the popularity: below 1 rare items come more often."""


class Cluster(Section):
    """Options of `training.strategy`; the machines themselves are in TF_CONFIG.

    Example:
        >>> Cluster(replicas=2).replicas
        2
    """

    replicas: pydantic.PositiveInt | None = None
    """For `mirrored`: how many replicas share this machine's CPU. Left out: one for each GPU, or
    one where there is none."""

    min_shard_bytes: pydantic.PositiveInt = 2**20
    """For `parameter_server`: a table is sharded over the parameter servers in pieces of at least
    this many bytes, at most one for each server."""


_FREE = {
    "epochs",
    "calibration",
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
    """Most passes over the training split. The one number that may grow when a run goes on."""

    seed: int = pydantic.Field(default=0, ge=0, lt=2**31)
    """Decides the start of the weights, the order of the examples, dropout and what is sampled."""

    bias_start: Literal["mean", "zero"] = "mean"
    """Where w0 starts: at the mean label of what is trained on (for labels 0 and 1 its log-odds),
    negatives and class weights included, or at 0. A ranking loss does not depend on w0, and labels
    of one class alone leave it at 0."""

    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """What steps compute in: Keras' policy. Variables, validation and the trained model are
    float32 in any case."""

    optimizer: Optimizer = Optimizer()
    """How gradients become updates."""

    schedule: Schedule = Schedule()
    """How the learning rate changes."""

    early_stopping: EarlyStopping = EarlyStopping()
    """Which epoch is best, and when training gives up."""

    ema: EMA | None = None
    """The running average of the weights. Left out: the weights themselves are evaluated."""

    pretraining: Pretraining | None = None
    """What the embeddings learn before. Left out: nothing."""

    negatives: Negatives | None = None
    """Negatives that training makes up. Left out: none."""

    class_weights: tuple[Annotated[float, pydantic.Field(ge=0)], ...] | None = pydantic.Field(
        default=None, min_length=2, max_length=2
    )
    """Weights of the examples labelled 0 and of those labelled 1, times their own. In training
    only."""

    calibration: Literal["prior", "temperature", "isotonic"] | None = None
    """What makes probabilities of the trained model's logits. `prior`: takes off, in closed form,
    by how much `class_weights` and `negatives` moved the log-odds; for negatives that are
    distributed as those of the data. `temperature`, `isotonic`: fitted on the validation split,
    which takes that off, too: a scale and a shift, or a rising line. Left out: logits as they are.
    A run that has ended is calibrated by going on with it."""

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
    """Options of the strategy."""

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
