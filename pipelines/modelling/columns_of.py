"""A configuration as feature columns."""

import math
from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.configuration.column import Column
from pipelines.configuration.configuration import Configuration
from pipelines.modelling.categorical_of import categorical_of
from pipelines.modelling.column_fits import ColumnFits
from pipelines.modelling.fitted import Fitted
from pipelines.modelling.number_of import number_of


def columns_of(configuration: Configuration, fitted: Fitted) -> list[Any]:
    """Makes the feature columns that a configuration describes.

    Args:
        configuration: Its columns, and the defaults of `model`.
        fitted: What the columns leave open; `Fitted()` where they leave nothing.

    Returns:
        One column for each in the configuration, in its order, as `tfrs_afm.FieldEmbedding` takes
        them.

    Raises:
        ValueError: If something is not fitted that a column needs, or columns that share a table
            disagree.

    Example:
        >>> from pipelines.configuration.data import Data
        >>> user = Column(kind="categorical_column_with_identity", key="user", num_buckets=10)
        >>> made = Configuration(data=Data(format="csv", train="a.csv"), columns=[user])
        >>> [column.name for column in columns_of(made, Fitted())]
        ['user_embedding']
    """
    fits = ColumnFits(configuration.columns)
    made: dict[int, Any] = {}
    groups: dict[str, list[int]] = {}
    for place, column in enumerate(configuration.columns):
        if column.shared is not None:
            groups.setdefault(column.shared, []).append(place)
        else:
            made[place] = _alone(column, configuration, fits, fitted)
    for name, places in groups.items():
        made.update(zip(places, _shared(name, places, configuration, fits, fitted), strict=True))
    return [made[place] for place in range(len(made))]


def _alone(column: Column, configuration: Configuration, fits: ColumnFits, fitted: Fitted) -> Any:
    if column.kind in ("numeric_column", "sequence_numeric_column"):
        return number_of(column, fits, fitted)
    categorical = categorical_of(column, fits, fitted)
    if column.indicator:
        return tf.feature_column.indicator_column(categorical)
    dimension = column.dimension or configuration.model.dim
    return tf.feature_column.embedding_column(
        categorical,
        dimension,
        combiner=column.combiner or "mean",
        initializer=_initializer(column.stddev or configuration.model.stddev, dimension),
        max_norm=column.max_norm,
        trainable=column.trainable,
    )


def _shared(
    name: str,
    places: list[int],
    configuration: Configuration,
    fits: ColumnFits,
    fitted: Fitted,
) -> list[Any]:
    columns = [configuration.columns[place] for place in places]
    said = {}
    for key in ("dimension", "combiner", "stddev", "max_norm", "trainable"):
        default = Column.model_fields[key].default
        given = {getattr(column, key) for column in columns} - {default}
        if len(given) > 1:
            raise ValueError(
                f"`columns` that share the table '{name}' must agree in `{key}`. "
                f"Received: {sorted(given)}. Say it at one of them."
            )
        said[key] = given.pop() if given else default
    dimension = said["dimension"] or configuration.model.dim
    return tfrs_afm.shared_embeddings(
        [categorical_of(column, fits, fitted, name) for column in columns],
        dimension,
        combiner=said["combiner"] or "mean",
        initializer=_initializer(said["stddev"] or configuration.model.stddev, dimension),
        shared_embedding_collection_name=name,
        max_norm=said["max_norm"],
        trainable=said["trainable"],
    )


def _initializer(stddev: float | None, dimension: int) -> Any:
    """The default is TensorFlow's, as an object that Keras saves."""
    if stddev is None:
        return tf.keras.initializers.TruncatedNormal(stddev=1 / math.sqrt(dimension))
    return tf.keras.initializers.RandomNormal(stddev=stddev)
