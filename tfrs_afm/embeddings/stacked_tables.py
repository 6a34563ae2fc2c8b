"""The tables of an embedding layer in one, for a graph that only scores."""

import collections
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
    which is what an unknown id, -1, gets, so that nothing has to be left out. The linear weights of
    sequences stand beside their vectors, in one row: what adds the one up adds up the other.

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
        stacks: dict[str, list[Any]] = {"vectors": [], "linear": [], "both": []}
        dense = {
            name: table
            for name, table in tables.items()
            if isinstance(table, DenseTable) and table.max_norm is None
        }
        self._first: dict[str, int] = {}  # the first row of a table in its stack
        self._fields = {f.name for f in fields if f.table.name in dense}
        self._linear = {f.name for f in fields if f"{f.name}/linear" in dense}
        readers = collections.Counter(field.table.name for field in fields)
        self._both = {
            field.name
            for field in fields
            if field.sequence and readers[field.table.name] == 1 and dtype != "int8"
        } & (self._fields & self._linear)
        beside = {f.table.name: f"{f.name}/linear" for f in fields if f.name in self._both}
        weights = {f"{field.name}/linear" for field in fields}
        for name, table in dense.items():
            if name in beside.values():
                continue
            rows = _float_rows(table)
            if name in beside:
                rows = np.concatenate([rows, _float_rows(dense[beside[name]])], 1)
            kind = "both" if name in beside else "linear" if name in weights else "vectors"
            stack = stacks[kind]
            stack += [np.zeros([1, rows.shape[1]], rows.dtype), rows]
            self._first[name] = sum(map(len, stack[:-1]))
        self.full_bytes = sum(rows.nbytes for stack in stacks.values() for rows in stack)
        small = "float16" if dtype == "int8" else dtype
        self._stacks = {
            kind: _Rows(np.concatenate(stack), small if kind == "linear" else dtype, kind)
            for kind, stack in stacks.items()
            if stack
        }

    @property
    def num_bytes(self) -> int:
        """Size of the rows as they are kept; `full_bytes` is that of the tables."""
        return sum(one.num_bytes for one in self._stacks.values())

    def hold(self, field: Field, *, linear: bool) -> str:
        """How they hold what a field looks up: "both" in one row, "apart", or "" if they do not."""
        if field.name not in self._fields or (linear and field.name not in self._linear):
            return ""
        return "both" if field.name in self._both else "apart"

    def numbers(self, fields: Sequence[Field]) -> tuple[Any, Any]:
        """Rows `(F, dim)` and linear weights `(F,)`, or None, of fields of one number."""
        found = [table.look_up(rows) for table, rows in self._tables_of(fields)]
        vectors, linear = self._apart(fields, found)
        return vectors, None if linear is None else linear[:, 0]

    def pooled(self, fields: Sequence[Field], members: JoinedMembers) -> tuple[Any, Any, Any]:
        """Looks members up and pools them, as the columns' combiners say.

        Args:
            fields: F fields which `hold` holds alike.
            members: Their members, ids below 0 among them.

        Returns:
            Vectors `(batch, F, dim)`, mask `(batch, F)`, linear terms `(batch, F)` or None.
        """
        if members.one_each is True:
            found, mask = self._looked_up(fields, members)
        elif members.padded is not None:
            found, mask = self._padded(fields, members)
        elif members.one_each is None:
            found, mask = self._summed(fields, members)
        else:
            found, mask = tf.cond(
                members.one_each,
                lambda: self._looked_up(fields, members),
                lambda: self._summed(fields, members),
            )
        vectors, linear = self._apart(fields, found)
        return vectors, mask, None if linear is None else tf.squeeze(linear, 2)

    def _looked_up(self, fields: Sequence[Field], members: JoinedMembers) -> tuple[list[Any], Any]:
        ids = tf.transpose(tf.reshape(members.ids, [len(fields), -1]))  # (batch, F)
        known = _known(ids)
        return [table.look_up(known + one) for table, one in self._tables_of(fields)], ids >= 0

    def _padded(self, fields: Sequence[Field], members: JoinedMembers) -> tuple[list[Any], Any]:
        """Lists of one length: which example an id is of is known without a look at it."""
        tables = [(table, tf.unstack(one)) for table, one in self._tables_of(fields)]
        each = tf.range(members.batch)[:, tf.newaxis]
        found: list[list[Any]] = [[] for _ in tables]
        masks: list[Any] = []
        for place, (field, ids) in enumerate(zip(fields, members.padded or (), strict=True)):
            counts = tf.reduce_sum(tf.cast(ids >= 0, tf.float32), 1)
            scale = scales(counts, [field.combiner], members.batch)
            known = tf.reshape(_known(ids), [-1])
            segments = tf.reshape(tf.broadcast_to(each, tf.shape(ids, tf.int64)), [-1])
            for (table, firsts), sums in zip(tables, found, strict=True):
                total = table.sums(known + firsts[place], segments, members.batch)
                sums.append(total if scale is None else total * scale[:, tf.newaxis])
            masks.append(counts > 0)
        return [tf.stack(sums, 1) for sums in found], tf.stack(masks, 1)

    def _summed(self, fields: Sequence[Field], members: JoinedMembers) -> tuple[list[Any], Any]:
        count = tf.cast(len(fields), tf.int64) * members.batch
        segments = _segments(members)
        counts = _counts(members, segments, count)
        scale = scales(counts, [field.combiner for field in fields], members.batch)

        def by_example(sums: Tensor) -> Tensor:
            return tf.transpose(tf.reshape(sums, [len(fields), -1, sums.shape[1]]), [1, 0, 2])

        known = _known(members.ids)
        found: list[Any] = []
        for table, first in self._tables_of(fields):
            places = known + self._per_member(first, members, len(fields))
            sums = table.sums(places, segments, count)
            found.append(by_example(sums if scale is None else sums * scale[:, tf.newaxis]))
        return found, tf.transpose(tf.reshape(counts > 0, [len(fields), -1]))

    @staticmethod
    def _per_member(of_fields: Tensor, members: JoinedMembers, fields: int) -> Tensor:
        """Hands what there is one of a field on to its members."""
        if fields > _MOST_FILLED:
            count = tf.size(members.ids, tf.int64)
            return tf.gather(of_fields, owners(tf.cumsum(members.sizes), count))
        parts = zip(tf.unstack(members.sizes, fields), tf.unstack(of_fields), strict=True)
        return tf.concat([tf.fill([size], value) for size, value in parts], 0)

    def _tables_of(self, fields: Sequence[Field]) -> list[tuple["_Rows", Any]]:
        """What fields look up in, and `(F,)` where their rows begin there."""
        names = {"vectors": [field.table.name for field in fields]}
        if fields[0].name in self._both:
            names = {"both": names["vectors"]}
        elif "linear" in self._stacks:
            names["linear"] = [f"{field.name}/linear" for field in fields]
        return [
            (self._stacks[kind], tf.constant([self._first[name] for name in those], tf.int64))
            for kind, those in names.items()
        ]

    def _apart(self, fields: Sequence[Field], found: Sequence[Any]) -> tuple[Any, Any]:
        """Vectors and linear terms, or None, of what was looked up in `_tables_of`."""
        if fields[0].name in self._both:
            return found[0][..., :-1], found[0][..., -1:]
        return found[0], found[1] if len(found) > 1 else None


def _float_rows(table: DenseTable) -> Any:
    rows = np.asarray(table.embedding_weights)
    return rows.astype(np.promote_types(rows.dtype, np.float32))


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
