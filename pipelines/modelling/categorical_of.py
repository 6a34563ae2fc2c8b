"""A categorical column from its section."""

from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.configuration.column import Column
from pipelines.modelling.column_fits import ColumnFits
from pipelines.modelling.fitted import Fitted
from pipelines.modelling.number_of import number_of


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
