"""A configuration as feature columns."""

import math
from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.configuration.column import Column
from pipelines.configuration.configuration import Configuration
from pipelines.fitting.fit import ColumnFits, Fitted


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
        >>> from pipelines.configuration.configuration import Data
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


def categorical_of(
    column: Column, fits: ColumnFits, fitted: Fitted, shared: str | None = None
) -> Any:
    """Makes the categorical column of a section, without its embedding.

    Args:
        column: A section of any kind but numbers.
        fits: What is to be fitted.
        fitted: What was.
        shared: The name of the table that the outer column shares.

    Returns:
        A column for `embedding_column`, `indicator_column` or `tfrs_afm.shared_embeddings`.
    """
    fc = tf.feature_column
    sequence = column.kind.startswith("sequence_")
    kind = column.kind.removeprefix("sequence_")
    own = tfrs_afm if sequence or kind == "piecewise_linear_column" else fc
    if kind in ("bucketized_column", "piecewise_linear_column"):
        bounds = column.boundaries or fitted.of(_fit(column, fits, shared))
        return getattr(own, column.kind)(number_of(column, fits, fitted), list(bounds))
    if kind == "crossed_column":
        keys = [
            categorical_of(key, fits, fitted) if isinstance(key, Column) else key
            for key in column.keys
        ]
        return getattr(own, column.kind)(keys, column.hash_bucket_size, column.hash_key)
    if kind == "weighted_categorical_column" and column.categorical_column is not None:
        inner = categorical_of(column.categorical_column, fits, fitted, shared)
        dtype = tf.as_dtype(column.dtype or "float32")
        return getattr(own, column.kind)(inner, column.weight_feature_key, dtype)
    return getattr(fc, column.kind)(column.key, **_arguments(column, fits, fitted, shared))


def _arguments(
    column: Column, fits: ColumnFits, fitted: Fitted, shared: str | None
) -> dict[str, Any]:
    kind = column.kind.removeprefix("sequence_")
    if kind == "categorical_column_with_identity":
        size = column.num_buckets or fitted.of(_fit(column, fits, shared))
        return {"num_buckets": size, "default_value": column.default_value}
    dtype = tf.as_dtype(column.dtype or "string")
    if kind == "categorical_column_with_hash_bucket":
        return {"hash_bucket_size": column.hash_bucket_size, "dtype": dtype}
    arguments: dict[str, Any] = {"num_oov_buckets": column.num_oov_buckets}
    if column.default_value is not None:
        arguments["default_value"] = column.default_value
    if kind == "categorical_column_with_vocabulary_file":
        size = column.vocabulary_size
        path = column.vocabulary_file
        return {
            "vocabulary_file": path,
            "vocabulary_size": size or _count_lines(str(path)),
            "dtype": dtype,
            **arguments,
        }
    words = column.vocabulary_list or fitted.of(_fit(column, fits, shared))
    if column.dtype is None and isinstance(words[0], int):
        dtype = tf.int64
    return {"vocabulary_list": list(words), "dtype": dtype, **arguments}


def _fit(column: Column, fits: ColumnFits, shared: str | None) -> Any:
    return fits.ids(column, shared)


def _count_lines(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        return sum(1 for _ in file)


def number_of(column: Column, fits: ColumnFits, fitted: Fitted) -> Any:
    """Makes the numeric column of a section, or the one that its buckets are cut from.

    Args:
        column: A section of numbers.
        fits: What is to be fitted.
        fitted: What was.

    Returns:
        A `numeric_column` or `sequence_numeric_column`, with a `tfrs_afm.Normalizer`.
    """
    dtype = tf.as_dtype(column.dtype or "float32")
    normalizer = _normalizer(column, fits, fitted)
    default_fit = fits.default(column)
    default: Any = column.default_value if default_fit is None else fitted.of(default_fit)
    if default is not None and dtype.is_integer:
        default = round(default)
    fc = tf.feature_column
    if column.kind.startswith("sequence_"):
        return fc.sequence_numeric_column(
            column.key, column.shape, float(default or 0.0), dtype, normalizer
        )
    return fc.numeric_column(column.key, column.shape, default, dtype, normalizer)


def _normalizer(column: Column, fits: ColumnFits, fitted: Fitted) -> Any:
    fit = fits.normalizer(column)
    if fit is None:
        return None
    mean, stddev, least, greatest = fitted.of(fit)
    if column.normalizer == "min_max":
        return tfrs_afm.Normalizer(least, (greatest - least) or 1.0)
    return tfrs_afm.Normalizer(mean, stddev or 1.0, log=column.normalizer == "log")
