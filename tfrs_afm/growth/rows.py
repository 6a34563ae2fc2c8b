"""What the rows of a field's table stand for."""

import itertools
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfrs_afm.columns.field import Field
from tfrs_afm.types import Column


class IdSegment(NamedTuple):
    """Rows that follow each other in a table and whose ids are of one kind.

    Attributes:
        meaning: What the ids are, in words; ids of different meanings are never the same.
        ids: The value of each row's id, in order.
        parts: Of a cross, what it crosses: names of features, or the segments of a column.
    """

    meaning: str
    ids: Sequence[Hashable]
    parts: tuple[str | tuple["IdSegment", ...], ...] = ()


_Words = Callable[[Any], Sequence[Any]]


def id_segments(field: Field, words: _Words) -> tuple[IdSegment, ...]:
    """Says for each row of a field's table which id it belongs to.

    Args:
        field: The field.
        words: Gives the words of a vocabulary column.

    Returns:
        Segments, in the order of the rows.

    Raises:
        TypeError: If the kind of column is unknown, so that nothing tells its ids apart.
    """
    if field.categorical is None:
        return (IdSegment("elements of a number", list(np.ndindex(*field.column.shape))),)
    return _segments(field.categorical, words)


def _segments(column: Column, words: _Words) -> tuple[IdSegment, ...]:
    while hasattr(column, "categorical_column"):  # a sequence, or with values
        column = column.categorical_column
    make = _MAKERS.get(type(column).__name__)
    if make is None:
        raise TypeError(
            "`columns` must be of a kind whose ids are known. Received: columns with "
            f"{type(column).__name__} for '{getattr(column, 'name', column)}'. Use the columns of "
            "`tf.feature_column` and `tfrs_afm`, or train this model afresh."
        )
    return make(column, words)


def _identity(column: Column, _: _Words) -> tuple[IdSegment, ...]:
    return (IdSegment("ids", range(column.number_buckets)),)


def _vocabulary(column: Column, words: _Words) -> tuple[IdSegment, ...]:
    known = IdSegment("ids", words(column))
    unknown = column.num_oov_buckets
    if not unknown:
        return (known,)
    return known, IdSegment(f"{unknown} buckets for unknown words", range(unknown))


def _hashed(column: Column, _: _Words) -> tuple[IdSegment, ...]:
    size = column.hash_bucket_size
    return (IdSegment(f"{size} hash buckets", range(size)),)


def _bucketized(column: Column, _: _Words) -> tuple[IdSegment, ...]:
    bounds = [-math.inf, *column.boundaries, math.inf]
    elements = tf.TensorShape(column.source_column.shape).num_elements()
    ids = [(element, *ends) for element in range(elements) for ends in itertools.pairwise(bounds)]
    return (IdSegment("intervals", ids),)


def _crossed(column: Column, words: _Words) -> tuple[IdSegment, ...]:
    size = column.hash_bucket_size
    names = ", ".join(getattr(key, "name", key) for key in column.keys)
    parts = tuple(key if isinstance(key, str) else _segments(key, words) for key in column.keys)
    # The order counts: the hash of (a, b) is another than that of (b, a).
    meaning = f"{size} hash buckets of ({names}) with hash_key={column.hash_key}"
    return (IdSegment(meaning, range(size), parts),)


_MAKERS: dict[str, Callable[[Any, _Words], tuple[IdSegment, ...]]] = {
    "IdentityCategoricalColumn": _identity,
    "VocabularyListCategoricalColumn": _vocabulary,
    "VocabularyFileCategoricalColumn": _vocabulary,
    "HashedCategoricalColumn": _hashed,
    "BucketizedColumn": _bucketized,
    "SequenceBucketizedColumn": _bucketized,
    "CrossedColumn": _crossed,
    "SequenceCrossedColumn": _crossed,
}


def source_rows(old: Sequence[IdSegment], new: Sequence[IdSegment]) -> np.ndarray:
    """Finds for each row of a new table the row of the old one with the same id.

    Args:
        old: What the rows of the old table stand for.
        new: What those of the new one stand for.

    Returns:
        `(rows of the new table,)` int64, -1 where the old table had no such id.
    """
    found = []
    for segment in new:
        rows = np.full(len(segment.ids), -1, np.int64)
        start = 0
        for other in old:
            if _same_meaning(other, segment):
                places = _places(other.ids, segment.ids)
                rows = np.where(places < 0, -1, places + start)
            start += len(other.ids)
        found.append(rows)
    return np.concatenate(found)


def _same_meaning(old: IdSegment, new: IdSegment) -> bool:
    return (
        old.meaning == new.meaning
        and len(old.parts) == len(new.parts)
        and all(map(_same_part, old.parts, new.parts))
    )


def _same_part(old: str | tuple[IdSegment, ...], new: str | tuple[IdSegment, ...]) -> bool:
    """Whether a cross hashes the same numbers for it: a column is crossed by its row numbers."""
    if isinstance(old, str) or isinstance(new, str):
        return old == new
    rows = source_rows(old, new)
    both = min(len(rows), sum(len(segment.ids) for segment in old))
    return bool((rows[:both] == np.arange(both)).all())


def _places(old: Sequence[Hashable], new: Sequence[Hashable]) -> np.ndarray:
    if isinstance(old, range) and isinstance(new, range):  # both count from 0
        rows = np.arange(len(new), dtype=np.int64)
        return np.where(rows < len(old), rows, -1)
    place = {value: index for index, value in enumerate(old)}
    return np.fromiter((place.get(value, -1) for value in new), np.int64, len(new))
