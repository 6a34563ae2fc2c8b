"""The tables of an embedding layer in one, for a graph that only scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfrs_afm.columns.field import Field
from tfrs_afm.columns.joined_members import JoinedMembers, owners
from tfrs_afm.embeddings.joined_pooling import scales
from tfrs_afm.embeddings.tables import DenseTable
from tfrs_afm.types import Layer, Tensor

# Fields of which each is filled in by an operation of its own, which is the faster for long lists;
# of more, these would be many.
_MOST_FILLED = 4


class StackedTables(tf.Module):
    """Copies of dense tables, one upon the other: one lookup does for all their fields.

    Training updates each table by itself. A served graph never does, and there an operation a
    column costs more than the numbers it computes. Before the rows of each table is a row of zeros,
    which is what an unknown id, -1, gets, so that nothing has to be left out.

    Args:
        tables: Tables by name, as an embedding layer has them; those of other kinds than
            `DenseTable`, or with a `max_norm`, stay out.
        fields: The fields that look them up.
        dtype: How the rows are kept: "float32" (as they are), "float16", or "int8" with a float16
            scale a row, `row = scale * q` with q in [-127, 127]; linear weights, of one number a
            row, are float16 then. They are rows of floats again once looked up.
    """

    def __init__(
        self, tables: dict[str, Layer], fields: Sequence[Field], dtype: str = "float32"
    ) -> None:
        super().__init__(name="stacked_tables")
        self._first: dict[str, int] = {}  # the first row of a table
        stacks: dict[bool, list[Any]] = {False: [], True: []}
        weights = {f"{field.name}/linear" for field in fields}
        for name, table in tables.items():
            if isinstance(table, DenseTable) and table.max_norm is None:
                rows = np.asarray(table.embedding_weights)
                rows = rows.astype(np.promote_types(rows.dtype, np.float32))
                stack = stacks[name in weights]
                stack += [np.zeros([1, rows.shape[1]], rows.dtype), rows]
                self._first[name] = sum(map(len, stack[:-1]))
        self._fields = {f.name for f in fields if f.table.name in self._first}
        whole = [np.concatenate(stack) if stack else None for stack in stacks.values()]
        self.full_bytes = sum(rows.nbytes for rows in whole if rows is not None)
        self.vectors: Any = None if whole[0] is None else _Rows(whole[0], dtype, "vectors")
        small = "float16" if dtype == "int8" else dtype
        self.linear: Any = None if whole[1] is None else _Rows(whole[1], small, "linear")

    @property
    def num_bytes(self) -> int:
        """Size of the rows as they are kept; `full_bytes` is that of the tables."""
        return sum(one.num_bytes for one in (self.vectors, self.linear) if one is not None)

    def hold(self, field: Field, *, linear: bool) -> bool:
        """Whether they hold what a field looks up."""
        return field.name in self._fields and (not linear or f"{field.name}/linear" in self._first)

    def numbers(self, fields: Sequence[Field]) -> tuple[Any, Any]:
        """Rows `(F, dim)` and linear weights `(F,)`, or None, of fields of one number."""
        rows, weights = self._firsts(fields)
        vectors = self.vectors.look_up(rows)
        return vectors, None if weights is None else self.linear.look_up(weights)[:, 0]

    def pooled(self, fields: Sequence[Field], members: JoinedMembers) -> tuple[Any, Any, Any]:
        """Looks members up and pools them, as the columns' combiners say.

        Args:
            fields: F fields of which `hold` is true.
            members: Their members, ids below 0 among them.

        Returns:
            Vectors `(batch, F, dim)`, mask `(batch, F)`, linear terms `(batch, F)` or None.
        """
        if members.one_each is True:
            return self._looked_up(fields, members)
        if members.one_each is None:
            return self._summed(fields, members)
        vectors, mask, *linear = tf.cond(
            members.one_each,
            lambda: [one for one in self._looked_up(fields, members) if one is not None],
            lambda: [one for one in self._summed(fields, members) if one is not None],
        )
        return vectors, mask, linear[0] if linear else None

    def _looked_up(self, fields: Sequence[Field], members: JoinedMembers) -> tuple[Any, Any, Any]:
        ids = tf.transpose(tf.reshape(members.ids, [len(fields), -1]))  # (batch, F)
        known = _known(ids)
        vectors, linear = (
            None if first is None else table.look_up(known + first)
            for table, first in zip((self.vectors, self.linear), self._firsts(fields), strict=True)
        )
        return vectors, ids >= 0, None if linear is None else tf.squeeze(linear, 2)

    def _summed(self, fields: Sequence[Field], members: JoinedMembers) -> tuple[Any, Any, Any]:
        count = tf.cast(len(fields), tf.int64) * members.batch
        segments = _segments(members)
        counts = _counts(members, segments, count)
        scale = scales(counts, [field.combiner for field in fields], members.batch)

        def by_example(sums: Tensor) -> Tensor:
            return tf.transpose(tf.reshape(sums, [len(fields), -1, sums.shape[1]]), [1, 0, 2])

        known = _known(members.ids)
        pooled: list[Any] = []
        for table, first in zip((self.vectors, self.linear), self._firsts(fields), strict=True):
            if first is None:
                pooled.append(None)
                continue
            places = known + self._per_member(first, members, len(fields))
            sums = table.sums(places, segments, count)
            pooled.append(by_example(sums if scale is None else sums * scale[:, tf.newaxis]))
        mask = tf.transpose(tf.reshape(counts > 0, [len(fields), -1]))
        return pooled[0], mask, None if pooled[1] is None else tf.squeeze(pooled[1], 2)

    @staticmethod
    def _per_member(of_fields: Tensor, members: JoinedMembers, fields: int) -> Tensor:
        """Hands what there is one of a field on to its members."""
        if fields > _MOST_FILLED:
            count = tf.size(members.ids, tf.int64)
            return tf.gather(of_fields, owners(tf.cumsum(members.sizes), count))
        parts = zip(tf.unstack(members.sizes, fields), tf.unstack(of_fields), strict=True)
        return tf.concat([tf.fill([size], value) for size, value in parts], 0)

    def _firsts(self, fields: Sequence[Field]) -> tuple[Any, Any]:
        vectors = [self._first[field.table.name] for field in fields]
        linear = None
        if self.linear is not None:
            linear = tf.constant([self._first[f"{f.name}/linear"] for f in fields], tf.int64)
        return tf.constant(vectors, tf.int64), linear


def _known(ids: Tensor) -> Tensor:
    """The ids, and -1 for all that are below 0."""
    return tf.maximum(ids, tf.constant(-1, tf.int64))


def _segments(members: JoinedMembers) -> Tensor:
    """What `members.segments` makes, where their lengths are known by an operation made for it.

    XLA has no such operation; nothing that it compiles comes here.
    """
    if members.lengths is None:
        return members.segments()
    ends = tf.cumsum(members.lengths)
    places = tf.raw_ops.RaggedTensorToSparse(
        rt_nested_splits=[tf.concat([tf.constant([0], tf.int64), ends], 0)],
        rt_dense_values=members.ids,
    )
    return places.sparse_indices[:, 0]


def _counts(members: JoinedMembers, segments: Tensor, count: Tensor) -> Tensor:
    """How many ids that are known each segment has, `(count,)` float32."""

    def by_id() -> Tensor:
        real = tf.cast(members.ids >= 0, tf.float32)
        return tf.math.unsorted_segment_sum(real, segments, count)

    if members.lengths is None:
        return by_id()
    lengths = tf.cast(members.lengths, tf.float32)
    # In the usual case one pass over the ids, of which none is unknown.
    return tf.cond(tf.reduce_min(members.ids) >= 0, lambda: tf.identity(lengths), by_id)


_LARGEST = 127


class _Rows(tf.Module):
    """Rows of one width, kept in a type that may be smaller than that of their numbers."""

    def __init__(self, rows: Any, dtype: str, name: str) -> None:
        super().__init__(name=name)
        self._dtype = tf.as_dtype(rows.dtype)
        self._scales: Any = None
        if dtype == "int8":
            scales = (np.abs(rows).max(axis=1) / _LARGEST).astype(np.float16)
            wide = np.maximum(scales.astype(rows.dtype), np.finfo(np.float16).smallest_subnormal)
            rows = np.clip(np.rint(rows / wide[:, np.newaxis]), -_LARGEST, _LARGEST)
            self._scales = tf.Variable(wide.astype(np.float16), trainable=False, name="scales")
        kept = rows if dtype == "float32" else rows.astype(dtype)
        self._rows = tf.Variable(kept, trainable=False, name="rows")

    @property
    def num_bytes(self) -> int:
        return sum(int(np.prod(one.shape)) * one.dtype.size for one in self.variables)

    def look_up(self, places: Tensor) -> Tensor:
        rows = tf.cast(tf.gather(self._rows, places), self._dtype)
        if self._scales is None:
            return rows
        return rows * tf.cast(tf.gather(self._scales, places), self._dtype)[..., tf.newaxis]

    def sums(self, places: Tensor, segments: Tensor, count: Tensor) -> Tensor:
        """Sums of rows by segment, without a copy of them where they need no conversion."""
        if self._rows.dtype != self._dtype:
            return tf.math.unsorted_segment_sum(self.look_up(places), segments, count)
        return tf.raw_ops.SparseSegmentSumWithNumSegments(
            data=tf.convert_to_tensor(self._rows),
            indices=places,
            segment_ids=segments,
            num_segments=count,
        )
