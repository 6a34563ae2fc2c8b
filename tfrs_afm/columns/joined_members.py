"""The members of several fields in one list, so that a batch is worked on and not its columns."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.feature_shapes import failed
from tfrs_afm.columns.field import Field, columns_below
from tfrs_afm.columns.missing_numbers import may_lack_numbers
from tfrs_afm.types import Feature, Tensor


class FlatIds(NamedTuple):
    """What one raw feature holds, or one field's ids, without padding in between.

    Attributes:
        values: `(count,)`, example after example.
        batch: `()` int64.
        rows: `(count,)` int64, the example of each, ascending.
        splits: `(batch + 1,)` int64, where the values of each example begin. Where neither this
            nor `rows` is given, there is one value an example.
    """

    values: Any
    batch: Any
    rows: Any = None
    splits: Any = None

    @property
    def one_each(self) -> bool:
        """Whether each example has one value by its form."""
        return self.rows is None and self.splits is None


@dataclasses.dataclass(frozen=True)
class JoinedMembers:
    """The ids of F fields over a batch of B, field after field, each in its examples' order.

    Attributes:
        ids: `(count,)` int64, each in `[0, rows of its field's table)`, or below 0.
        segments: Makes `(count,)` int64, `field * B + example` of each id, ascending. Only sums
            need it, in the branch that has some.
        sizes: `(F,)` int64, the number of ids of each field.
        batch: `()` int64, B.
        unknown: Whether there may be ids below 0 among them, which are no members: padding, or
            words that a vocabulary does not know.
        one_each: `()` bool, whether each example has exactly one id in each field; True where
            shapes say so, None where nobody asked.
        lengths: `(F * B,)` int64, the number of ids of each segment; None where the features do
            not say it.
    """

    ids: Any
    segments: Callable[[], Any]
    sizes: Any
    batch: Any
    unknown: bool
    one_each: Any
    lengths: Any = None


def flat_ids(value: Any) -> FlatIds | None:
    """Takes a raw feature apart where that needs no search for what is not padding.

    Args:
        value: A raw feature: Tensor, SparseTensor, RaggedTensor.

    Returns:
        For `(batch,)` and `(batch, 1)` integers or strings one value an example, padding included;
        for a ragged feature its values; None for any other.
    """
    if isinstance(value, tf.RaggedTensor):
        if value.ragged_rank != 1 or value.flat_values.shape.rank != 1:
            return None
        splits = tf.cast(value.row_splits, tf.int64)
        return FlatIds(value.values, tf.size(splits, tf.int64) - 1, splits=splits)
    if not isinstance(value, tf.Tensor) or not (value.dtype.is_integer or value.dtype == tf.string):
        return None
    if value.shape.rank not in (1, 2) or (value.shape.rank == 2 and value.shape[1] != 1):
        return None
    flat = tf.reshape(value, [-1])
    return FlatIds(flat, tf.size(flat, tf.int64))


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def one_id_each(value: Any) -> Feature:
    """Makes `(batch,)` or `(batch, 1)` ids sparse, faster than TensorFlow's columns do.

    They search for what is not padding; with one id an example there is rarely any padding, and
    the indices are known.

    Args:
        value: A Tensor of integers or strings, or anything else, which is returned as it is.

    Returns:
        A SparseTensor `(batch, 1)` without the entries that are -1 or the empty string.
    """
    if not isinstance(value, tf.Tensor) or not (value.dtype.is_integer or value.dtype == tf.string):
        return value
    if (value.shape.rank == 2 and value.shape[1] != 1) or value.shape.rank not in (1, 2):
        return value
    flat = tf.reshape(value, [-1])
    batch = tf.shape(flat, tf.int64)[0]
    indices = tf.stack([tf.range(batch), tf.zeros([batch], tf.int64)], axis=1)
    real = flat != tf.constant("" if value.dtype == tf.string else -1, value.dtype)
    indices, flat = tf.cond(
        tf.reduce_all(real),
        lambda: (indices, tf.identity(flat)),
        lambda: (tf.boolean_mask(indices, real), tf.boolean_mask(flat, real)),
    )
    shape = tf.stack([batch, tf.constant(1, tf.int64)])
    return tf.SparseTensor(
        tf.ensure_shape(indices, [None, 2]), tf.ensure_shape(flat, [None]), shape
    )


def owners(ends: Tensor, count: Tensor) -> Tensor:
    """Says which of some rows each place is in, where the rows follow each other.

    Args:
        ends: `(rows,)` int64, the place after the last of each row, ascending.
        count: `()` int64, the number of places.

    Returns:
        `(count,)` int64. As many rows lie before a place as end there or earlier.
    """
    ended = tf.raw_ops.DenseBincount(
        input=tf.cast(ends[:-1], tf.int32),
        size=tf.cast(count + 1, tf.int32),
        weights=tf.zeros([0], tf.int64),
    )
    return tf.cumsum(ended[:-1])


def as_sparse(flats: Mapping[str, FlatIds]) -> dict[str, tf.SparseTensor]:
    """The SparseTensors that columns turn into ids.

    Columns look at the values alone, value by value; so in a graph all share places that are none.
    """
    if tf.executing_eagerly():  # where the shape would give that away
        return {key: _sparse(flat) for key, flat in flats.items()}
    none = tf.raw_ops.PlaceholderWithDefault(input=tf.zeros([0, 2], tf.int64), shape=[None, 2])
    shape = tf.constant([0, 1], tf.int64)
    return {
        key: tf.SparseTensor(none, tf.ensure_shape(flat.values, [None]), shape)
        if flat.values.shape[0] is not None
        else tf.SparseTensor(none, flat.values, shape)
        for key, flat in flats.items()
    }


def _sparse(flat: FlatIds) -> tf.SparseTensor:
    count = tf.size(flat.values, tf.int64)
    places = tf.stack([tf.range(count), tf.zeros([count], tf.int64)], axis=1)
    return tf.SparseTensor(places, flat.values, tf.stack([count, 1]))


def is_padding(flats: Sequence[FlatIds]) -> Tensor:
    """Says which values of features with one an example are padding.

    Args:
        flats: Features with one value an example.

    Returns:
        `(len(flats), batch)` bool, True for -1 and the empty string.
    """
    found: list[Any] = []
    order: list[int] = []
    for dtype in dict.fromkeys(flat.values.dtype for flat in flats):
        alike = [place for place, flat in enumerate(flats) if flat.values.dtype == dtype]
        values = tf.stack([flats[place].values for place in alike])
        padding = tf.constant("" if dtype == tf.string else -1, dtype)
        if dtype.is_unsigned:
            found.append(tf.zeros_like(values, tf.bool))
        else:
            found.append(values == padding)
        order += alike
    joined = tf.concat(found, 0)
    if order == sorted(order):
        return joined
    return tf.gather(joined, [order.index(place) for place in range(len(order))])


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def join(
    fields: Sequence[Field], flats: Sequence[FlatIds], *, unknown: bool, one_each: bool
) -> JoinedMembers:
    """Puts the ids of fields into one list.

    Args:
        fields: The fields.
        flats: The ids of each.
        unknown: Whether there may be ids below 0.
        one_each: Whether to look if each example has one id in each field.

    Returns:
        The members of all of them, and ids below 0.

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if an id is past the last bucket of its
            field; it names the feature and the row.
    """
    batch = flats[0].batch
    ids = tf.concat([flat.values for flat in flats], 0)
    count = tf.size(ids, tf.int64)
    just_one: Any = None
    lengths: Any = None
    if all(flat.one_each for flat in flats):
        just_one = True
        sizes = tf.fill([len(fields)], batch)

        def segments() -> Any:
            return tf.range(count)

    elif all(flat.splits is not None for flat in flats):
        splits = tf.stack([flat.splits for flat in flats])  # (F, B + 1)
        lengths = tf.reshape(splits[:, 1:] - splits[:, :-1], [-1])
        sizes = splits[:, -1]
        if one_each:
            just_one = tf.reduce_all(lengths == 1)

        def segments() -> Any:
            return owners(tf.cumsum(lengths), count)

    else:
        sizes = tf.stack([tf.size(flat.values, tf.int64) for flat in flats])
        joined = tf.concat([_rows(flat) + index * batch for index, flat in enumerate(flats)], 0)
        if one_each:  # as many as there are examples times fields, and none beside another
            apart = tf.reduce_all(joined[1:] != joined[:-1])
            just_one = tf.logical_and(count == len(fields) * batch, apart)

        def segments() -> Any:
            return joined

    check = check_ids(fields, ids, sizes, segments, batch)
    with tf.control_dependencies([] if check is None else [check]):
        ids = tf.identity(ids)
    return JoinedMembers(ids, segments, sizes, batch, unknown, just_one, lengths)


def _rows(flat: FlatIds) -> Tensor:
    if flat.one_each:
        return tf.range(flat.batch)
    if flat.rows is not None:
        return flat.rows
    return owners(flat.splits[1:], tf.size(flat.values, tf.int64))


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def only_real(members: JoinedMembers) -> JoinedMembers:
    """Leaves out the ids below 0."""
    if not members.unknown:
        return members
    fields = members.sizes.shape[0]
    all_real = tf.reduce_min(members.ids) >= 0  # one pass over the ids, in the usual case
    ids, segments, sizes = tf.cond(
        all_real,
        lambda: [tf.identity(members.ids), members.segments(), tf.identity(members.sizes)],
        lambda: _real(members.ids, members.segments(), members.batch, fields),
    )
    ids, segments = tf.ensure_shape(ids, [None]), tf.ensure_shape(segments, [None])
    one_each = members.one_each
    if one_each is not None:
        one_each = tf.logical_and(all_real, one_each)
    sizes = tf.ensure_shape(sizes, [fields])
    return JoinedMembers(
        ids, lambda: segments, sizes, members.batch, unknown=False, one_each=one_each
    )


def _real(ids: Tensor, segments: Tensor, batch: Tensor, fields: int) -> list[Any]:
    real = ids >= 0
    kept = tf.boolean_mask(segments, real)
    owners = tf.cast(kept // tf.maximum(batch, 1), tf.int32)
    sizes = tf.math.bincount(owners, minlength=fields, maxlength=fields, dtype=tf.int64)
    return [tf.boolean_mask(ids, real), kept, sizes]


def check_ids(
    fields: Sequence[Field],
    ids: Tensor,
    sizes: Tensor,
    segments: Callable[[], Any],
    batch: Tensor,
) -> Tensor | None:
    """Makes an id past the last bucket an error that names the feature and the row.

    A lookup would complain of it first, without naming the feature.

    Args:
        fields: The fields.
        ids: `(count,)` int64.
        sizes: `(F,)` int64, the number of ids of each field.
        segments: Makes `(count,)` int64, `field * batch + example` of each.
        batch: `()` int64.

    Returns:
        A tensor to depend on; None where no column can give such an id.

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if an id is out of range.
    """
    if not any(may_be_out_of_range(field.categorical) for field in fields):
        return None
    rows = [field.table.rows for field in fields]
    limits: Any = rows[0]
    if len(set(rows)) > 1:
        of_field = owners(tf.cumsum(sizes), tf.size(ids, tf.int64))
        limits = tf.gather(tf.constant(rows, tf.int64), of_field)
        wrong = tf.reduce_any(ids >= limits)
    else:
        wrong = tf.reduce_max(ids) >= limits  # of no ids it is the smallest number

    def complain() -> Any:
        first = tf.argmax(tf.cast(ids >= limits, tf.int32))
        segment = segments()[first]
        texts = [
            (
                f"`{field.keys[0]}` must be below num_buckets={field.table.rows}. "
                f"Received for field '{field.name}':"
            )
            for field in fields
        ]
        message = [
            tf.constant(texts)[segment // batch],
            ids[first],
            "in row",
            segment % batch,
            "Give the column a default_value, or more buckets.",
        ]
        return failed(message)

    return tf.cond(wrong, complain, lambda: tf.constant(value=True))


def scalar(categorical: Any) -> Any:
    """The column below a sequence or weighted column."""
    while hasattr(categorical, "categorical_column"):
        categorical = categorical.categorical_column
    return categorical


def may_be_unknown(categorical: Any) -> bool:
    """Whether a column may give an id below 0, for a word or a number that it does not know."""
    column = scalar(categorical)
    if may_lack_numbers(column):
        return True
    return getattr(column, "default_value", 0) in (None, -1) and not getattr(
        column, "num_oov_buckets", 0
    )


def may_be_out_of_range(categorical: Any) -> bool:
    """Whether a column gives out the ids that it gets, whatever they are."""
    column = scalar(categorical)
    return hasattr(column, "number_buckets") and column.default_value is None


def can_be_joined(field: Field) -> bool:
    """Whether a field's members are ids alone, without values of their own."""
    return field.categorical is not None and not any(
        hasattr(column, "weight_feature_key") for column in columns_below(field.column)
    )


def reads_plain_ids(field: Field) -> bool:
    """Whether a field's only feature is ids that a categorical column looks up directly."""
    categorical = getattr(field.categorical, "categorical_column", field.categorical)
    return len(field.keys) == 1 and getattr(categorical, "key", None) == field.keys[0]


def keys_of_ids(fields: Sequence[Field]) -> set[str]:
    """The features in which -1 and "" are padding: read for ids alone, or crossed as they are.

    TensorFlow's crossed column would hash the padding of a dense feature.
    """
    only_ids = {field.keys[0] for field in fields if reads_plain_ids(field)}
    other = {key for field in fields if not reads_plain_ids(field) for key in field.keys}
    crossed = {
        key
        for field in fields
        for column in columns_below(field.column)
        if type(column).__name__ == "CrossedColumn"
        for key in column.keys
        if isinstance(key, str)
    }
    return (only_ids - other) | crossed


def plain_keys(fields: Sequence[Field], joined: Sequence[Field]) -> set[str]:
    """The features that are read for plain ids alone, and by joined fields alone."""
    names = {field.name for field in joined}
    plain: set[str] = set()
    other: set[str] = set()
    for field in fields:
        alone = field.name in names and reads_plain_ids(field)
        (plain if alone else other).update(field.keys)
    return plain - other
