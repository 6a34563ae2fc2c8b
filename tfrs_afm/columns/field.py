"""A feature column as an interaction sees it: a field, and the table it looks up."""

import dataclasses
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.types import Column, Initializer


@dataclasses.dataclass(frozen=True)
class Table:
    """One embedding table, as its feature column describes it; fields with equal tables share it.

    Attributes:
        name: Name of the table, unique within an embedding layer.
        rows: Number of ids.
        dimension: Length of a row; None takes the dimension of the other tables in the list.
        initializer: Initializer of the rows; None is TensorFlow's default for embedding columns,
            a truncated normal with standard deviation `1 / sqrt(dimension)`.
        max_norm: If set, looked-up rows are clipped to this L2 norm.
        trainable: Whether training changes the table.
        ckpt_to_load_from: Checkpoint from which the rows are initialised.
        tensor_name_in_ckpt: Name of the rows in that checkpoint.
    """

    name: str
    rows: int
    dimension: int | None = None
    initializer: Any = None
    max_norm: float | None = None
    trainable: bool = True
    ckpt_to_load_from: str | None = None
    tensor_name_in_ckpt: str | None = None


@dataclasses.dataclass(frozen=True)
class Field:
    """The unit an interaction crosses: one feature column, one vector.

    Attributes:
        name: Name of the column.
        column: The feature column.
        categorical: The column that gives the ids; None for a numeric field, whose ids are the
            elements of its shape and whose values are the numbers themselves.
        table: The table its ids look up.
        combiner: How the ids of an example become one vector: "sum", "mean" or "sqrtn".
        sequence: Whether the order of the ids means something.
        keys: The raw features it reads.
    """

    name: str
    column: Any
    categorical: Any
    table: Table
    combiner: str
    sequence: bool
    keys: tuple[str, ...]


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
        ValueError: If it is empty, two columns have one name, a combiner is unknown, or a sequence
            is crossed with a scalar.
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
    # A column that holds a Keras layer is wrapped by the layer that tracks it.
    fields = [_field(getattr(column, "__wrapped__", column)) for column in columns]
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"`columns` must have different names. Received: columns={names} for field "
                f"'{name}'. Drop one of the two, or give its feature another name."
            )
    return fields


def _field(column: Column) -> Field:
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


def _embedding(column: Column) -> Field:
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


def _shared_embedding(column: Column) -> Field:
    return _categorical(column, column.categorical_column, column.table, column.combiner)


def _indicator(column: Column) -> Field:
    table = Table(column.name, column.categorical_column.num_buckets)
    return _categorical(column, column.categorical_column, table, "sum")


def _bucketized(column: Column) -> Field:
    return _categorical(column, column, Table(column.name, column.num_buckets), "sum")


def _categorical(column: Column, categorical: Column, table: Table, combiner: str) -> Field:
    if combiner not in COMBINERS:
        raise ValueError(
            f"`combiner` must be one of {', '.join(COMBINERS)}. Received: combiner={combiner!r} "
            f"for field '{column.name}'. Other rules are in `tfrs_afm.embeddings`: pass one as "
            "`FieldEmbedding(columns, pooling={name: rule})`."
        )
    sequence = type(categorical).__name__ in _SEQUENCES
    for one in columns_below(categorical):
        crossed = one.parents if type(one).__name__ == "CrossedColumn" else ()
        for key in crossed:
            if type(key).__name__ in _SEQUENCES:
                raise ValueError(
                    "`keys` of `crossed_column` must not be sequences, which TensorFlow cannot "
                    f"cross. Received: keys with '{key.name}' for field '{column.name}'. Cross "
                    "sequences alone, by `tfrs_afm.sequence_crossed_column`, or drop the sequence."
                )
    keys = tuple(sorted(column.parse_example_spec))
    return Field(column.name, column, categorical, table, combiner, sequence, keys)


def _numeric(column: Column) -> Field:
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


def tables_of(fields: Sequence[Field], dim: int | None = None) -> dict[str, Table]:
    """Collects the tables of fields and gives all of them one dimension.

    Args:
        fields: The fields of one interaction.
        dim: Length of the vectors where the columns leave it open.

    Returns:
        Tables by name, each with its dimension.

    Raises:
        ValueError: If dimensions differ, none is given, or two tables of one name differ.
    """
    tables: dict[str, Table] = {}
    for field in fields:
        known = tables.setdefault(field.table.name, field.table)
        # Initializers are objects: a deserialized copy is equal in all but identity.
        if dataclasses.replace(known, initializer=field.table.initializer) != field.table:
            raise ValueError(
                "`columns` must describe a shared table in one way. Received: table "
                f"'{known.name}' as {known} and as {field.table} for field '{field.name}'. "
                "Make all columns of the table in one call of `tfrs_afm.shared_embeddings`."
            )
    dims = {name: table.dimension for name, table in tables.items() if table.dimension}
    if dim is not None:
        dims["dim="] = dim
    if len(set(dims.values())) > 1:
        raise ValueError(
            "`columns` must have one dimension to interact. Received: "
            f"{', '.join(f'{name} {size}' for name, size in dims.items())}. "
            "Give all embedding columns the same dimension."
        )
    if not dims:
        raise ValueError(
            "`dim` must be given where no column has a dimension. Received: dim=None. "
            "Pass dim=16, say."
        )
    size = next(iter(dims.values()))
    if size < 1:
        raise ValueError(f"`dim` must be positive. Received: dim={size}. Use 4 or more.")
    return {name: dataclasses.replace(table, dimension=size) for name, table in tables.items()}


COMBINERS = ("mean", "sqrtn", "sum")


def keras_initializer(initializer: Initializer | None) -> Any:
    """Returns an initializer that Keras can write and read, of the same name and settings.

    Args:
        initializer: One of Keras; one of TensorFlow, as `embedding_column` makes; a function.

    Returns:
        That of Keras; what has no such counterpart is returned as it is.
    """
    if initializer is None or isinstance(initializer, tf.keras.initializers.Initializer):
        return initializer
    known = getattr(tf.keras.initializers, type(initializer).__name__, None)
    if known is None or not hasattr(initializer, "get_config"):
        return initializer
    config = {key: value for key, value in initializer.get_config().items() if key != "dtype"}
    return known(**config)


def scope_name(name: str, *, root: bool, taken: Collection[str] = ()) -> str:
    """Returns the name that TensorFlow's graphs know a table or a field by.

    Features are called what the data calls them ("class of worker", "user_id:token"); scopes of a
    graph take fewer characters. A name that is one already stays, as variables have it. In any
    other the rest becomes "_", and a checksum of the name tells apart what then looks alike.

    Args:
        name: Any name.
        root: Whether nothing may stand around it, as with the name of a layer: then it also has to
            begin with a letter, a digit or a dot, and cannot end with a slash.
        taken: Names in lower case that the inputs of a graph have already; their case is not what
            tells them apart.

    Returns:
        A valid name, and for different names different ones.

    Example:
        >>> from tfrs_afm.columns.field import scope_name
        >>> scope_name("film", root=True), scope_name("class of worker", root=True)
        ('film', 'class_of_worker_fe079590')
    """
    valid = (_ROOT if root else _SCOPE).fullmatch(name)
    if valid and name.lower() not in taken:
        return name
    safe = _NOT_IN_SCOPES.sub("_", name)
    return f"{safe if safe[:1].isalnum() else f'name{safe}'}_{zlib.crc32(name.encode()):08x}"


_SCOPE = re.compile(r"[\w./-]+(>[a-zA-Z0-9.][\w./-]*)*", re.ASCII)
_ROOT = re.compile(rf"(?![_/-]){_SCOPE.pattern}(?<!/)", re.ASCII)
_NOT_IN_SCOPES = re.compile(r"[^\w./-]", re.ASCII)


def columns_below(column: Column) -> Iterator[Any]:
    """Goes through a column and all that it is made of: what it embeds, buckets, weighs, crosses.

    Args:
        column: A feature column.

    Yields:
        The column itself, then those below it.
    """
    yield column
    for parent in column.parents:
        if not isinstance(parent, str):
            yield from columns_below(parent)
