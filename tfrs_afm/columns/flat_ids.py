"""What a raw feature of ids holds, in one list, without a search for what is not padding."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.types import Feature, Tensor


class FlatIds(NamedTuple):
    """What one raw feature holds, or one field's ids.

    Attributes:
        values: `(count,)`, example after example.
        batch: `()` int64.
        rows: `(count,)` int64, the example of each, ascending.
        splits: `(batch + 1,)` int64, where the values of each example begin.
        longest: `()` int64, how many values each example has, padding among them. Where none of
            these three is given, there is one value an example.
        real: `(count,)` bool, which values are no padding, where something else says so than they.
    """

    values: Any
    batch: Any
    rows: Any = None
    splits: Any = None
    longest: Any = None
    real: Any = None

    @property
    def one_each(self) -> bool:
        """Whether each example has one value by its form."""
        return self.rows is None and self.splits is None and self.longest is None


class PaddedLists(NamedTuple):
    """Lists as a server gets them: padded with anything, for their lengths say what counts.

    Attributes:
        values: `(batch, longest)`.
        real: `(batch, longest)` bool, which of them are no padding.
    """

    values: Any
    real: Any

    def ragged(self) -> tf.RaggedTensor:
        """The same without padding."""
        lengths = tf.reduce_sum(tf.cast(self.real, tf.int64), 1)
        kept = tf.boolean_mask(self.values, self.real)
        return tf.RaggedTensor.from_row_lengths(kept, lengths, validate=False)


def flat_ids(value: Any) -> FlatIds | None:
    """Takes a raw feature apart where that needs no search for what is not padding.

    Args:
        value: A raw feature: Tensor, SparseTensor, RaggedTensor, PaddedLists.

    Returns:
        For `(batch,)` and `(batch, 1)` integers or strings one value an example, padding included;
        for a ragged feature its values, for a padded one those and its padding; None for any other.
    """
    if isinstance(value, tf.RaggedTensor):
        if value.ragged_rank != 1 or value.flat_values.shape.rank != 1:
            return None
        splits = tf.cast(value.row_splits, tf.int64)
        return FlatIds(value.values, tf.size(splits, tf.int64) - 1, splits=splits)
    if isinstance(value, PaddedLists):
        batch, longest = tf.unstack(tf.shape(value.values, tf.int64))
        values, real = tf.reshape(value.values, [-1]), tf.reshape(value.real, [-1])
        return FlatIds(values, batch, longest=longest, real=real)
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
