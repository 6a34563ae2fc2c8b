"""A numeric column from its section."""

from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.configuration.column import Column
from pipelines.modelling.column_fits import ColumnFits
from pipelines.modelling.fitted import Fitted


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
