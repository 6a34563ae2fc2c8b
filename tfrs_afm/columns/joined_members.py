"""The members of several fields in one list, so that a batch is worked on and not its columns."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.feature_shapes import failed
from tfrs_afm.columns.field import Field, columns_below
from tfrs_afm.columns.flat_ids import FlatIds
from tfrs_afm.columns.missing_numbers import may_lack_numbers
from tfrs_afm.types import Tensor


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
        padded: For each field `(B, longest)` int64, the same ids, where they came as such; else
            None.
    """

    ids: Any
    segments: Callable[[], Any]
    sizes: Any
    batch: Any
    unknown: bool
    one_each: Any
    lengths: Any = None
    padded: Sequence[Any] | None = None


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
    padded: Any = None
    wrong: Any = None
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

    elif all(flat.longest is not None for flat in flats):
        # They may be pooled as they are: where all is well nothing puts them side by side.
        sizes = batch * tf.stack([flat.longest for flat in flats])
        largest = tf.stack([tf.reduce_max(flat.values) for flat in flats])
        wrong = tf.reduce_any(largest >= [field.table.rows for field in fields])

        def segments() -> Any:
            return _segments(flats, batch)

    else:
        sizes = tf.stack([tf.size(flat.values, tf.int64) for flat in flats])
        joined = _segments(flats, batch)
        if one_each:  # as many as there are examples times fields, and none beside another
            apart = tf.reduce_all(joined[1:] != joined[:-1])
            just_one = tf.logical_and(count == len(fields) * batch, apart)

        def segments() -> Any:
            return joined

    def every() -> Any:
        return ids if wrong is None else tf.concat([flat.values for flat in flats], 0)

    check = check_ids(fields, every, sizes, segments, batch, wrong)
    with tf.control_dependencies([] if check is None else [check]):
        ids = tf.identity(ids)
        if wrong is not None:
            padded = [tf.reshape(flat.values, [batch, flat.longest]) for flat in flats]
    return JoinedMembers(ids, segments, sizes, batch, unknown, just_one, lengths, padded)


def _segments(flats: Sequence[FlatIds], batch: Tensor) -> Tensor:
    return tf.concat([_rows(flat) + index * batch for index, flat in enumerate(flats)], 0)


def _rows(flat: FlatIds) -> Tensor:
    if flat.one_each:
        return tf.range(flat.batch)
    if flat.longest is not None:
        each = tf.broadcast_to(tf.range(flat.batch)[:, tf.newaxis], [flat.batch, flat.longest])
        return tf.reshape(each, [-1])
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
    ids: Callable[[], Any],
    sizes: Tensor,
    segments: Callable[[], Any],
    batch: Tensor,
    wrong: Tensor | None = None,
) -> Tensor | None:
    """Makes an id past the last bucket an error that names the feature and the row.

    A lookup would complain of it first, without naming the feature.

    Args:
        fields: The fields.
        ids: Makes `(count,)` int64.
        sizes: `(F,)` int64, the number of ids of each field.
        segments: Makes `(count,)` int64, `field * batch + example` of each.
        batch: `()` int64.
        wrong: `()` bool, whether there is one, where that is known already.

    Returns:
        A tensor to depend on; None where no column can give such an id.

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if an id is out of range.
    """
    if not any(may_be_out_of_range(field.categorical) for field in fields):
        return None
    rows = [field.table.rows for field in fields]

    def limits() -> Any:
        if len(set(rows)) == 1:
            return rows[0]
        of_field = owners(tf.cumsum(sizes), tf.size(ids(), tf.int64))
        return tf.gather(tf.constant(rows, tf.int64), of_field)

    if wrong is None and len(set(rows)) == 1:
        wrong = tf.reduce_max(ids()) >= rows[0]  # of no ids it is the smallest number
    elif wrong is None:
        wrong = tf.reduce_any(ids() >= limits())

    def complain() -> Any:
        first = tf.argmax(tf.cast(ids() >= limits(), tf.int32))
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
            ids()[first],
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
