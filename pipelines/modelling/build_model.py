"""A configuration as a model that is ready to train: embedding, task, loss, optimizer."""

import os
from pathlib import Path
from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.configuration.column import Pooling
from pipelines.configuration.configuration import Configuration
from pipelines.configuration.configuration import Model as ModelSection
from pipelines.configuration.training import Optimizer
from pipelines.fitting.fit import Fitted
from pipelines.modelling.baselines import LogisticRegression
from pipelines.modelling.columns_of import columns_of
from tfrs_afm.columns.field import fields_of
from tfrs_afm.types import Layer, Loss, Model

_POOLINGS = {
    "average": "AveragePooling",
    "sum": "SumPooling",
    "max": "MaxPooling",
    "field_weights": "FieldPairWeights",
    "field_matrices": "FieldPairMatrices",
}


def build_model(configuration: Configuration, fitted: Fitted) -> Model:
    """Makes a compiled model with fresh weights, which `training.seed` fixes.

    Args:
        configuration: Its sections `columns`, `model`, `task` and `training`.
        fitted: What the columns leave open.

    Returns:
        A `tfrs.Model` with `columns`, its variables made, so that weights can be loaded.

    Raises:
        ValueError: If something is not fitted that a column needs, or an argument is out of range.

    Example:
        >>> from pipelines.configuration.column import Column
        >>> from pipelines.configuration.configuration import Data
        >>> columns = [Column(kind="categorical_column_with_identity", key=key, num_buckets=10)
        ...            for key in ("user", "item")]
        >>> made = Configuration(data=Data(format="csv", train="a.csv"), columns=columns)
        >>> model = build_model(made, Fitted())
        >>> model({"user": tf.constant([1, 2]), "item": tf.constant([3, 4])}).shape
        TensorShape([2, 1])
    """
    tf.keras.utils.set_random_seed(configuration.training.seed)
    columns = columns_of(configuration, fitted)
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(configuration.training.precision)
    try:
        model = _model(configuration, columns)
        model.compile(make_optimizer(configuration.training.optimizer))
        # An empty batch makes the variables.
        model(tf.io.parse_example(tf.zeros([0], tf.string), tfrs_afm.parse_spec(columns)))
    finally:
        tf.keras.mixed_precision.set_global_policy(before)
    return model


def require_memory(
    configuration: Configuration, fitted: Fitted, megabytes: float | None = None
) -> None:
    """Looks whether the tables of a model fit in memory, before any of them is made.

    Args:
        configuration: Its sections `columns`, `model` and `training`. Tables that parameter servers
            share, and the linear baseline, are not looked at.
        fitted: What the columns leave open.
        megabytes: The memory, in MB of 10^6 bytes. Default: that of this machine.

    Raises:
        ValueError: If tables and what the optimizer keeps beside them are larger; the largest
            table is named.

    Example:
        >>> from pipelines.configuration.column import Column
        >>> from pipelines.configuration.configuration import Data
        >>> user = Column(kind="categorical_column_with_identity", key="user", num_buckets=10**12)
        >>> made = Configuration(data=Data(format="csv", train="a.csv"), columns=[user])
        >>> require_memory(made, Fitted(), 16_000)
        Traceback (most recent call last):
        ValueError: `columns` must have tables that fit in 16,000 MB of memory. Received: ...
    """
    if (
        configuration.training.strategy == "parameter_server"
        or configuration.model.kind == "logistic_regression"
    ):
        return
    if megabytes is None:
        megabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
    columns = columns_of(configuration, fitted)
    report = tfrs_afm.size_report(
        columns,
        configuration.model.dim,
        tables=_composed(configuration, columns),
        optimizer=configuration.training.optimizer.kind,
    )
    if report.megabytes > megabytes:
        largest = report.tables[0]
        raise ValueError(
            f"`columns` must have tables that fit in {megabytes:,.0f} MB of memory. Received: "
            f"{report.megabytes:,.0f} MB in training, most for {largest.rows:,} rows of "
            f"{largest.dim} of '{largest.name}'. For ids with gaps take "
            "categorical_column_with_vocabulary_list or categorical_column_with_hash_bucket; "
            "otherwise num_remainders, or the strategy parameter_server."
        )


def _model(configuration: Configuration, columns: list[Any]) -> Model:
    model, parts, loss = configuration.model, tfrs_afm.interactions, make_loss(configuration)
    if model.kind == "logistic_regression":
        return LogisticRegression(columns, loss, model.dim, model.l2)
    embedding = make_embedding(configuration, columns)
    if model.kind == "DeepFM":
        options: dict[str, Any] = {"batch_norm": model.batch_norm, "l2": model.kernel_l2}
        arguments = (model.units, model.activation, model.dropout)
        if model.field_gate or model.embedding_sets > 1:
            wrapped = _wrapped(model, parts.DeepFM(*arguments, **options))
            task = tfrs_afm.tasks.Ranking(wrapped, loss)
        else:  # runs that were begun with this one go on with it
            task = tfrs_afm.tasks.DeepFM(*arguments, **options, loss=loss)
        return tfrs_afm.models.DeepFM(columns, task=task, embedding=embedding)
    # Not `tasks.AFM`, which is the same: runs that were begun with this one go on with it.
    task = tfrs_afm.tasks.Ranking(_wrapped(model, _afm(model)), loss)
    return tfrs_afm.models.AFM(columns, task=task, embedding=embedding)


def _wrapped(model: ModelSection, interaction: Layer) -> Layer:
    """The interaction, once a set of embeddings, behind the gate."""
    if model.embedding_sets > 1:
        interaction = tfrs_afm.interactions.MultiEmbedding(interaction, model.embedding_sets)
    return tfrs_afm.interactions.FieldGate(interaction) if model.field_gate else interaction


def _afm(model: ModelSection) -> Layer:
    parts = tfrs_afm.interactions
    attention: dict[str, Any] = {
        "attention_units": model.attention_units,
        "attention_dropout": model.attention_dropout,
        "attention_l2": model.attention_l2,
        "temperature": model.temperature,
    }
    pooling: Any = None
    if model.pooling != "attention":
        pooling = getattr(parts, _POOLINGS[model.pooling])()
    elif (
        model.pair_dropout
        or model.pair_batch_norm
        or model.pooled_batch_norm
        or not model.attention_softmax
    ):
        numbers: list[Any] = [*attention.values(), model.pair_dropout]
        pooling = parts.AttentionPooling(*numbers, softmax=model.attention_softmax)
    if model.pair_batch_norm:
        pooling = parts.BatchNormPooling(pooling, of_pairs=True)
    if model.pooled_batch_norm:
        pooling = parts.BatchNormPooling(pooling)
    deep = model.deep and parts.Deep(**model.deep.model_dump())
    given = attention if pooling is None else {"pooling": pooling}
    return parts.AFM(dropout=model.dropout, deep=deep, **given)


def make_embedding(configuration: Configuration, columns: list[Any]) -> Layer:
    """Makes the layer from features to vectors.

    Args:
        configuration: Its `model` and the `pooling` of its columns.
        columns: What `columns_of` gave for it.

    Returns:
        A `tfrs_afm.FieldEmbedding`, or an `IdEmbedding` where ids are crossed.

    Raises:
        ValueError: If a rule attends from a feature that no column reads alone, or columns of one
            table disagree on how it is composed.
    """
    model = configuration.model
    tables = _composed(configuration, columns)
    if model.crossing == "ids":
        return tfrs_afm.IdEmbedding(columns, model.dim, l2=model.l2, tables=tables)
    names = {
        section.features[0]: column.name
        for section, column in zip(configuration.columns, columns, strict=True)
        if len(section.features) == 1
    }
    pooling = {
        column.name: _rule(section.pooling, names)
        for section, column in zip(configuration.columns, columns, strict=True)
        if section.pooling is not None
    }
    return tfrs_afm.FieldEmbedding(columns, model.dim, l2=model.l2, tables=tables, pooling=pooling)


def _composed(configuration: Configuration, columns: list[Any]) -> dict[str, Any]:
    """The compositional tables, by name."""
    tables: dict[str, Any] = {}
    wanted: dict[str, int | None] = {}
    for section, field in zip(configuration.columns, fields_of(columns), strict=True):
        name = field.table.name
        if wanted.setdefault(name, section.num_remainders) != section.num_remainders:
            raise ValueError(
                "`num_remainders` must be the same for columns that share a table. Received: "
                f"{wanted[name]} and {section.num_remainders} for table '{name}'."
            )
        if section.num_remainders is not None and name not in tables:
            tables[name] = tfrs_afm.embeddings.QuotientRemainderTable(
                field.table.rows,
                field.table.dimension or configuration.model.dim,
                section.num_remainders,
                initializer=field.table.initializer,
                name=name,
            )
    return tables


def _rule(pooling: Pooling, names: dict[str, str]) -> Any:
    rules = tfrs_afm.embeddings
    if pooling.kind == "LastK":
        return rules.LastK(pooling.k, pooling.newest)
    if pooling.kind == "RecencyDecay":
        return rules.RecencyDecay(pooling.half_life, pooling.newest)
    if pooling.kind == "TargetAttention":
        if pooling.query not in names:
            raise ValueError(
                "`pooling.query` must be the feature of a column. Received: "
                f"query={pooling.query!r}. The features are {', '.join(names)}."
            )
        return rules.TargetAttention(names[pooling.query], pooling.units, softmax=pooling.softmax)
    return getattr(rules, pooling.kind)()


def make_loss(configuration: Configuration) -> Loss:
    """Makes the loss of labels and logits, or of two branches, that `task` describes.

    Args:
        configuration: Its sections `task` and, for losses of groups, `data`.

    Returns:
        A Keras loss, or one of `tfrs_afm.tasks.losses`.
    """
    loss, teacher = _loss(configuration), configuration.task.branches
    return loss if teacher is None else tfrs_afm.tasks.losses.Branches(loss, teacher)


def _loss(configuration: Configuration) -> Loss:
    task, losses = configuration.task, tfrs_afm.tasks.losses
    # The configuration has checked that what a loss needs is there.
    group: Any = configuration.data.group
    low: Any = task.low
    high: Any = task.high
    if task.loss == "binary_crossentropy":
        return tf.keras.losses.BinaryCrossentropy(
            from_logits=True, label_smoothing=task.label_smoothing
        )
    if task.loss == "mean_squared_error":
        return tf.keras.losses.MeanSquaredError()
    if task.loss == "clipped_squared_error":
        return losses.ClippedSquaredError(low, high, task.scale)
    if task.loss == "pairwise_logistic":
        return losses.PairwiseLogistic(group)
    return losses.ListwiseSoftmax(group)


_NAMES = {"adam": "Adam", "adagrad": "Adagrad", "ftrl": "Ftrl", "sgd": "SGD"}


def make_optimizer(optimizer: Optimizer) -> Any:
    """Makes a fresh optimizer to compile a model with.

    Args:
        optimizer: What it is to be.

    Returns:
        One of `tfrs_afm.optimizers`, or of `tf.keras.optimizers` where it is not row-sparse.

    Raises:
        ValueError: If `optimizer.arguments` has a key that the optimizer does not know.

    Example:
        >>> make_optimizer(Optimizer(kind="sgd", learning_rate=0.5)).__class__.__module__
        'tfrs_afm.optimizers.sgd'
    """
    home = tfrs_afm.optimizers if optimizer.row_sparse else tf.keras.optimizers
    try:
        return getattr(home, _NAMES[optimizer.kind])(
            learning_rate=optimizer.learning_rate,
            weight_decay=optimizer.weight_decay or None,
            clipvalue=optimizer.clipvalue,
            clipnorm=optimizer.clipnorm,
            global_clipnorm=optimizer.global_clipnorm,
            **optimizer.arguments,
        )
    except TypeError as error:
        raise ValueError(
            f"`optimizer.arguments` must be arguments of {_NAMES[optimizer.kind]}. Received: "
            f"arguments={optimizer.arguments} ({error})."
        ) from error


def load_model(path: Path) -> Model:
    """Loads a model that `train` saved, the linear baseline included.

    Args:
        path: A `.keras` file. It may name classes of Keras, `tfrs_afm` and this package only, see
            `tfrs_afm.models.load_model`.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: If there is no such file, or what is in it is not what may be loaded.
    """
    if not path.exists():
        raise ValueError(
            f"`{path}` must be a trained model. Received: no such file. "
            "Make it with: python -m pipelines train"
        )
    own = {"LogisticRegression": LogisticRegression}
    return tfrs_afm.models.load_model(path, own)
