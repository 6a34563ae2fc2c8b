"""Feature columns as fields, checked."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.combiners import COMBINERS
from tfrs_afm.columns.field import Field
from tfrs_afm.columns.table import Table

_FeatureColumn = tf.__internal__.feature_column.FeatureColumn


def fields_of(columns: Sequence[Any]) -> list[Field]:
    """Reads a list of feature columns as fields, in declared order.

    Args:
        columns: Columns that can give a vector: embedding, shared embedding, indicator,
            bucketized, numeric and sequence numeric columns.

    Returns:
        One field per column.

    Raises:
        TypeError: If `columns` is not a list, or holds something else than such columns.
        ValueError: If it is empty, two columns have one name, or a combiner is unknown.
    """
    if isinstance(columns, dict | str | _FeatureColumn) or not isinstance(columns, Sequence):
        raise TypeError(
            "`columns` must be a list of feature columns. Received: "
            f"columns={columns!r}. Put the columns into a list; its order is the fields' order."
        )
    if not columns:
        raise ValueError(
            "`columns` must hold at least one feature column. Received: columns=[]. Add a column."
        )
    fields = [_field(column) for column in columns]
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"`columns` must have different names. Received: columns={names} for field "
                f"'{name}'. Drop one of the two, or give its feature another name."
            )
    return fields


def _field(column: Any) -> Field:
    make = _MAKERS.get(type(column).__name__)
    if make is None or not isinstance(column, _FeatureColumn):
        fix = "Pass columns made by `tf.feature_column` or `tfrs_afm`."
        if hasattr(column, "num_buckets"):
            fix = "Wrap it in `tf.feature_column.embedding_column` or `indicator_column`."
        raise TypeError(
            "`columns` must hold feature columns that give vectors. Received: "
            f"columns={type(column).__name__} for field '{getattr(column, 'name', column)}'. {fix}"
        )
    return make(column)


def _embedding(column: Any) -> Field:
    table = Table(
        name=column.name,
        rows=column.categorical_column.num_buckets,
        dimension=column.dimension,
        initializer=column.initializer,
        max_norm=column.max_norm,
        trainable=column.trainable,
        ckpt_to_load_from=column.ckpt_to_load_from,
        tensor_name_in_ckpt=column.tensor_name_in_ckpt,
    )
    return _categorical(column, column.categorical_column, table, column.combiner)


def _shared_embedding(column: Any) -> Field:
    return _categorical(column, column.categorical_column, column.table, column.combiner)


def _indicator(column: Any) -> Field:
    table = Table(column.name, column.categorical_column.num_buckets)
    return _categorical(column, column.categorical_column, table, "sum")


def _bucketized(column: Any) -> Field:
    return _categorical(column, column, Table(column.name, column.num_buckets), "sum")


def _categorical(column: Any, categorical: Any, table: Table, combiner: str) -> Field:
    if combiner not in COMBINERS:
        raise ValueError(
            f"`combiner` must be one of {', '.join(COMBINERS)}. Received: combiner={combiner!r} "
            f"for field '{column.name}'. Other rules are in `tfrs_afm.embeddings`: pass one as "
            "`FieldEmbedding(columns, pooling={name: rule})`."
        )
    sequence = type(categorical).__name__ in _SEQUENCES
    keys = tuple(sorted(column.parse_example_spec))
    return Field(column.name, column, categorical, table, combiner, sequence, keys)


def _numeric(column: Any) -> Field:
    rows = tf.TensorShape(column.shape).num_elements()
    sequence = type(column).__name__ == "SequenceNumericColumn"
    combiner = "mean" if sequence else "sum"
    return Field(
        column.name, column, None, Table(column.name, rows), combiner, sequence, (column.key,)
    )


_SEQUENCES = (
    "SequenceBucketizedColumn",
    "SequenceCategoricalColumn",
    "SequenceCrossedColumn",
    "SequenceWeightedCategoricalColumn",
)
_MAKERS: dict[str, Callable[[Any], Field]] = {
    "EmbeddingColumn": _embedding,
    "SharedEmbeddingColumn": _shared_embedding,
    "IndicatorColumn": _indicator,
    "BucketizedColumn": _bucketized,
    "NumericColumn": _numeric,
    "SequenceNumericColumn": _numeric,
}
