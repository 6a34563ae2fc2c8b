"""All sections of a configuration, and how they fit together."""

from typing import Annotated, Any, Literal, Self

import pydantic

from pipelines.configuration.column import Column
from pipelines.configuration.evaluation import Evaluation
from pipelines.configuration.raw_files import RawFiles
from pipelines.configuration.section import Files, Section, broken
from pipelines.configuration.training import Training
from pipelines.configuration.tuning import Tuning


class Split(Section):
    """How rows are assigned to splits where one file holds everything."""

    by: Literal["random", "time", "column", "group"] = "random"
    """`random`: each row by chance. `time`: oldest rows first. `column`: a column holds the name of
    the split. `group`: the last row of each group is tested, the one before validated (leave-last-
    out), the earlier ones trained on; last by `column`, or by the order of the rows."""
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Shares of training, validation and test split, for `random` and `time`. They sum to one."""
    seed: int = pydantic.Field(default=1, ge=0)
    """Decides `random`."""
    column: str | None = None
    """The time (`time`, `group`): a number or ISO 8601; or the name of the split (`column`)."""

    @pydantic.model_validator(mode="after")
    def _whole(self) -> Self:
        if min(self.fractions) < 0 or self.fractions[0] <= 0:
            raise broken("fractions", "not be below 0, and above 0 for training")
        if abs(sum(self.fractions) - 1) > 1e-6:
            raise broken("fractions", "sum to one", "Give three shares, for example 0.8, 0.1, 0.1.")
        if self.by in ("time", "column") and self.column is None:
            raise broken(
                "column", f"be given with by = '{self.by}'", "Name the column to split by."
            )
        if self.by == "random" and self.column is not None:
            raise broken("column", "be left out with by = 'random'", "Say by = 'column', perhaps.")
        return self


_WITH_PREPARED = {"prepared", "label", "weight", "group", "batch_size", "shuffle_buffer"}
Format = Literal[
    "csv", "parquet", "jsonl", "tfrecord", "sequence_example", "elwc", "libsvm", "libffm"
]
Positive = Annotated[int, pydantic.Field(gt=0)]


class Data(RawFiles):
    """Where rows come from, and which of their columns is label, weight and group.

    Either `source` names a raw data set, or `format` says how the files of the splits are written,
    or `prepared` is a folder of examples that are trained on as they are.
    """

    prepared: str | None = None
    """A folder that `prepare` or `prepare-events` wrote. It knows its splits, label, weight and
    group, and what was fitted."""

    source: str | None = None
    """A raw data set of `pipelines/sources`, as "movielens-1m"."""
    path: str | None = None
    """The folder or file of the source."""
    settings: dict[str, Any] = pydantic.Field(default_factory=dict)
    """What the source lets one choose."""
    format: Format | None = None
    """How the files are written."""
    train: Files = ()
    """Path, glob or list of the files to train on; with `split`, of all files."""
    validation: Files = ()
    """Files to choose the best weights on."""
    test: Files = ()
    """Files to report numbers on."""
    split: Split | None = None
    """How the rows of `train` are split, where no other split is given."""

    label: str = "label"
    """What is predicted: a number, or text that `label_values` knows."""
    weight: str | None = None
    """Weight of a row in the loss. Default: all rows weigh the same."""
    group: str | None = None
    """Feature that groups rows for ranking metrics, for example the user id."""
    num_fields: Positive | None = None
    """Fields a row of libsvm or libffm. Default: rows may differ."""
    index_base: int = pydantic.Field(default=0, ge=0)
    """The smallest id in a file of libsvm or libffm."""

    batch_size: Positive = 1024
    """Rows per step."""
    shuffle_buffer: int = pydantic.Field(default=1_000_000, ge=0)
    """Rows that are shuffled together in memory; 0 keeps the order. A buffer smaller than the data
    costs accuracy where neighbouring rows are alike, as in a file sorted by user."""
    shards: Positive = 4
    """Files per prepared split."""

    @pydantic.model_validator(mode="after")
    def _one_origin(self) -> Self:
        if [self.source, self.format, self.prepared].count(None) != 2:
            raise broken(
                "format", "be given, or else `source` or `prepared`", "Give exactly one of them."
            )
        if self.prepared is not None:
            fields = type(self).model_fields
            for key in sorted(self.model_fields_set - _WITH_PREPARED):
                if getattr(self, key) != fields[key].get_default(call_default_factory=True):
                    raise broken(
                        key, "be left out with `prepared`", "It was decided when preparing."
                    )
        if self.format is not None and not self.train:
            raise broken("train", "name files", "Give a path, a glob or a list of them.")
        if self.source is not None and self.train:
            raise broken("train", "be left out with a `source`", "The source knows its splits.")
        if self.format is not None and (self.settings or self.path):
            key = "settings" if self.settings else "path"
            raise broken(key, "be left out without a `source`", "Name files with `train`.")
        if self.split is not None and (self.validation or self.test):
            raise broken("split", "be left out where splits are given", "Keep one of the two.")
        if not self.header and not self.names:
            raise broken("names", "be given without a header", "List the columns in order.")
        return self


class Deep(Section):
    """The arguments of `tfrs_afm.interactions.Deep`."""

    units: tuple[Annotated[int, pydantic.Field(gt=0)], ...] = pydantic.Field(
        default=(32,), min_length=1
    )
    """Widths of the hidden layers."""
    activation: str = "relu"
    """Activation of the hidden layers."""
    dropout: float = pydantic.Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer that training drops."""
    batch_norm: bool = False
    """Whether to normalise each hidden layer before its activation."""
    l2: float = pydantic.Field(default=0.0, ge=0)
    """L2 regularization of the kernels."""


Share = Annotated[float, pydantic.Field(ge=0, lt=1)]
_ONLY = {
    "AFM": (
        "crossing",
        "attention_units",
        "attention_dropout",
        "pair_dropout",
        "attention_l2",
        "temperature",
        "attention_softmax",
        "pooling",
        "pair_batch_norm",
        "pooled_batch_norm",
        "deep",
    ),
    "DeepFM": ("units", "activation", "batch_norm", "kernel_l2"),
    "logistic_regression": (),
}


class Model(Section):
    """The arguments of `tfrs_afm.models.AFM` and `DeepFM`, and of their parts."""

    kind: Literal["AFM", "DeepFM", "logistic_regression"] = "AFM"
    """`logistic_regression` is the linear term alone, a baseline."""
    dim: int = pydantic.Field(default=16, gt=0)
    """Length of the vectors of columns that leave it open."""
    stddev: float | None = pydantic.Field(default=None, gt=0)
    """Standard deviation of the vectors before training, where columns leave it open. Default:
    1 / sqrt(dimension)."""
    l2: float = pydantic.Field(default=0.0, ge=0)
    """L2 regularization of the rows that a batch looks up."""
    dropout: Share = 0.0
    """AFM: share of the pooled vector that training drops. DeepFM: of each hidden layer."""
    crossing: Literal["fields", "ids"] = "fields"
    """AFM: whether columns are crossed as a whole, or each of their ids."""

    # These six count where `pooling` is "attention".
    attention_units: int = pydantic.Field(default=16, gt=0)
    """AFM with attention: width of the attention network."""
    attention_dropout: Share = 0.0
    """AFM with attention: share of the attention weights that training drops."""
    pair_dropout: Share = 0.0
    """AFM with attention: share of the elements of the pairs that training drops before it."""
    attention_l2: float = pydantic.Field(default=0.0, ge=0)
    """AFM with attention: L2 regularization of its W."""
    temperature: float = pydantic.Field(default=1.0, gt=0)
    """AFM with attention: divides its scores."""
    attention_softmax: bool = True
    """AFM with attention: whether the attention of an example sums to 1."""
    pooling: Literal["attention", "average", "sum", "max", "field_weights", "field_matrices"] = (
        "attention"
    )
    """AFM: how the pairs become one vector; `field_weights` has a number for each pair of columns
    (FwFM), `field_matrices` a matrix (FmFM)."""
    pair_batch_norm: bool = False
    """AFM: whether each element of the pairs is normalised before they become one vector."""
    pooled_batch_norm: bool = False
    """AFM: whether that vector is normalised, as in the NFM authors' factorization machine."""
    field_gate: bool = False
    """AFM, DeepFM: whether the vectors of columns are scaled by what all of them say."""
    embedding_sets: int = pydantic.Field(default=1, gt=0)
    """AFM, DeepFM: into how many vectors each is split; every set of them is crossed by itself."""
    deep: Deep | None = None
    """AFM: a tower whose logit is added."""

    units: tuple[Annotated[int, pydantic.Field(gt=0)], ...] = pydantic.Field(
        default=(400, 400, 400), min_length=1
    )
    """DeepFM: widths of the hidden layers."""
    activation: str = "relu"
    """DeepFM: activation of the hidden layers."""
    batch_norm: bool = False
    """DeepFM: whether to normalise each hidden layer before its activation."""
    kernel_l2: float = pydantic.Field(default=0.0, ge=0)
    """DeepFM: L2 regularization of the tower's kernels."""

    @pydantic.model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        for kind, names in _ONLY.items():
            for name in names:
                given = getattr(self, name) != type(self).model_fields[name].default
                if given and kind != self.kind:
                    raise broken(name, f"be left out of kind {self.kind}", f"It is of {kind}.")
        if self.kind == "logistic_regression" and self.dropout:
            raise broken("dropout", "be left out of kind logistic_regression")
        for name in ("field_gate", "embedding_sets"):
            default = type(self).model_fields[name].default
            if getattr(self, name) != default and self.kind == "logistic_regression":
                raise broken(name, "be left out of kind logistic_regression")
        if self.crossing == "ids" and self.field_gate:
            raise broken("field_gate", "be left out where ids are crossed", "A gate needs fields.")
        if self.crossing == "ids" and self.pooling.startswith("field_"):
            raise broken("pooling", "not be of fields where ids are crossed", "Take attention.")
        if self.crossing == "ids" and self.deep is not None:
            raise broken("deep", "be left out where ids are crossed", "A tower needs fields.")
        return self


class Task(Section):
    """What the label is, and what a wrong prediction costs."""

    loss: Literal[
        "binary_crossentropy",
        "mean_squared_error",
        "clipped_squared_error",
        "pairwise_logistic",
        "listwise_softmax",
    ] = "binary_crossentropy"
    """`binary_crossentropy` of labels 0 and 1; squared errors of any number, clipped to [`low`,
    `high`] or not; `pairwise_logistic` and `listwise_softmax` inside the groups of `data.group`."""
    label_smoothing: float = pydantic.Field(default=0.0, ge=0, lt=1)
    """binary_crossentropy: pulls labels so far towards a half."""
    low: float | None = None
    """clipped_squared_error: the least label."""
    high: float | None = None
    """clipped_squared_error: the greatest label."""
    scale: float = pydantic.Field(default=1.0, gt=0)
    """clipped_squared_error: multiplies the loss."""
    branches: Literal["mean", "label"] | None = None
    """DeepFM, AFM with `deep`: whether pairs and tower each also learn from the mean of both, or
    from the label (Tri-BCE). Left out: only their sum learns."""

    @property
    def predicts(self) -> Literal["binary", "ranking", "regression"]:
        """A probability, an order inside groups, or a number: what a model is evaluated as."""
        if self.loss in ("pairwise_logistic", "listwise_softmax"):
            return "ranking"
        return "binary" if self.loss == "binary_crossentropy" else "regression"

    @pydantic.model_validator(mode="after")
    def _fits_its_loss(self) -> Self:
        clipped = self.loss == "clipped_squared_error"
        for key in ("low", "high"):
            if (getattr(self, key) is None) == clipped:
                rule = "be given with" if clipped else "be left out without"
                raise broken(key, f"{rule} loss = 'clipped_squared_error'")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise broken("low", "be below `high`", "Give the least and the greatest label.")
        if self.branches is not None and self.predicts == "ranking":
            raise broken("branches", f"be left out with loss = '{self.loss}'")
        if self.label_smoothing and self.loss != "binary_crossentropy":
            raise broken("label_smoothing", "be left out without loss = 'binary_crossentropy'")
        return self


class Export(Section):
    """What `python -m serving export` is asked for."""

    base_path: str | None = None
    """The model's folder of versions, or an address with `://`. Default: `export` in `--out`."""
    candidate_features: tuple[str, ...] = ()
    """Features that a candidate brings along in `rank`; all others are of the asking side."""
    tolerance: float = pydantic.Field(default=1e-5, gt=0)
    """How far answers of the export may be off those of the model."""
    tables: Literal["float32", "float16", "int8"] = "float32"
    """How the rows of embedding tables are kept; the smaller ones are not exact."""
    table_tolerance: float = pydantic.Field(default=0.05, gt=0)
    """How far answers may be off with small tables."""
    keep_last: int | None = pydantic.Field(default=None, gt=0)
    """If given, only the newest versions, this many, are kept."""
    server_files: bool = False
    """Whether configuration files for TensorFlow Serving are written beside the versions."""


class Configuration(Section):
    """Files to a trained model: all sections of a configuration file.

    Example:
        >>> columns = [Column(kind="categorical_column_with_hash_bucket", key="user_id",
        ...                   hash_bucket_size=1000)]
        >>> made = Configuration(data=Data(format="csv", train="clicks.csv"), columns=columns)
        >>> made.model.kind, made.data.train
        ('AFM', ('clicks.csv',))
    """

    data: Data
    """Where rows come from."""
    columns: tuple[Column, ...] = pydantic.Field(min_length=1)
    """The feature columns; each is a field of the model."""
    model: Model = Model()
    """What turns embedded columns into a score."""
    task: Task = Task()
    """The loss."""
    training: Training = Training()
    """Passes over the data, the optimizer, and what is kept of the way there."""
    evaluation: Evaluation = Evaluation()
    """How predictions are evaluated."""
    tuning: Tuning = Tuning()
    """What `tune` tries."""
    export: Export = Export()
    """The model that is served."""

    @pydantic.model_validator(mode="after")
    def _fit_together(self) -> Self:
        ungrouped = self.data.group is None and self.data.prepared is None
        if self.task.predicts == "ranking" and ungrouped:
            raise broken("data.group", f"be given with task.loss = '{self.task.loss}'")
        towers = self.model.kind == "DeepFM" or self.model.deep is not None
        if self.task.branches is not None and not towers:
            raise broken("task.branches", "be left out of a model without a tower", "Add `deep`.")
        if self.training.pretraining is not None and self.model.embedding_sets > 1:
            fix = "Its factorization machine crosses whole vectors."
            raise broken("training.pretraining", "be left out with model.embedding_sets", fix)
        if self.training.calibration is not None and self.task.predicts != "binary":
            raise broken("training.calibration", f"be left out with task.loss = '{self.task.loss}'")
        if self.model.crossing == "ids" and any(column.pooling for column in self.columns):
            raise broken("model.crossing", "be 'fields' where a column has a `pooling`")
        return self
