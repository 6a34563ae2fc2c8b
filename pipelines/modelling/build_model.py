"""A configuration as a model that is ready to train."""

from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.baselines.logistic_regression import LogisticRegression
from pipelines.configuration.configuration import Configuration
from pipelines.modelling.columns_of import columns_of
from pipelines.modelling.fitted import Fitted
from pipelines.modelling.make_embedding import make_embedding
from pipelines.modelling.make_loss import make_loss
from pipelines.training.make_optimizer import make_optimizer

_POOLINGS = {"average": "AveragePooling", "sum": "SumPooling", "max": "MaxPooling"}


def build_model(configuration: Configuration, fitted: Fitted) -> Any:
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
        >>> from pipelines.configuration.data import Data
        >>> columns = [Column(kind="categorical_column_with_identity", key=key, num_buckets=10)
        ...            for key in ("user", "item")]
        >>> made = Configuration(data=Data(format="csv", train="a.csv"), columns=columns)
        >>> model = build_model(made, Fitted())
        >>> model({"user": tf.constant([1, 2]), "item": tf.constant([3, 4])}).shape
        TensorShape([2, 1])
    """
    tf.keras.utils.set_random_seed(configuration.training.seed)
    columns = columns_of(configuration, fitted)
    model = _model(configuration, columns)
    model.compile(make_optimizer(configuration.training.optimizer))
    # An empty batch makes the variables.
    model(tf.io.parse_example(tf.zeros([0], tf.string), tfrs_afm.parse_spec(columns)))
    return model


def _model(configuration: Configuration, columns: list[Any]) -> Any:
    model, parts, loss = configuration.model, tfrs_afm.interactions, make_loss(configuration)
    if model.kind == "logistic_regression":
        return LogisticRegression(columns, loss, model.dim, model.l2)
    embedding = make_embedding(configuration, columns)
    if model.kind == "DeepFM":
        task = tfrs_afm.tasks.DeepFM(
            model.units,
            model.activation,
            model.dropout,
            batch_norm=model.batch_norm,
            l2=model.kernel_l2,
            loss=loss,
        )
        return tfrs_afm.models.DeepFM(columns, task=task, embedding=embedding)
    deep = model.deep and parts.Deep(**model.deep.model_dump())
    pooling = _POOLINGS.get(model.pooling)
    interaction = parts.AFM(
        model.attention_units,
        model.dropout,
        model.attention_dropout,
        model.attention_l2,
        model.temperature,
        deep=deep,
        pooling=pooling and getattr(parts, pooling)(),
    )
    task = tfrs_afm.tasks.Ranking(interaction, loss)
    return tfrs_afm.models.AFM(columns, task=task, embedding=embedding)
