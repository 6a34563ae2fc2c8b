"""Feature columns to one vector per field."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.field import Field
from tfrs_afm.columns.joined_members import can_be_joined, only_real
from tfrs_afm.columns.missing_numbers import ReadFeatures
from tfrs_afm.embeddings.column_embedding import ColumnEmbedding, FieldMembers
from tfrs_afm.embeddings.combine import combine, member_counts
from tfrs_afm.embeddings.joined_pooling import in_order, pool
from tfrs_afm.embeddings.stacked_tables import StackedTables
from tfrs_afm.embeddings.tables import DenseTable
from tfrs_afm.interactions.vectors import note_zeros
from tfrs_afm.kernels import lookups
from tfrs_afm.types import Layer, Tensor


class Fields(NamedTuple):
    """Embedded fields of a batch; unpack it into an interaction or a task with `*`.

    Attributes:
        vectors: `(batch, n, dim)`, the pooled `v_i x_i` of each field; zeros where it is masked.
        mask: `(batch, n)` bool, True where the field has at least one real member.
        linear: `(batch, n)`, the pooled `w_i x_i` of each field; None without linear weights.
    """

    vectors: Any
    mask: Any
    linear: Any


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class FieldEmbedding(ColumnEmbedding):
    """Embeds feature columns: one masked, pooled vector and one linear term per column.

    Each column is a field, in the order given. A categorical field pools the rows of its ids by
    the column's combiner, counting real ids only; a numeric field is `sum_i x_i v_i` over its
    elements; an indicator or bucketized column is a multi-hot x of the same form. Beside each
    `v_i` stands a weight `w_i` of its own, pooled in the same way: the linear term of the
    factorization machine. Columns made by `shared_embeddings` share their table, not their w.

    Args:
        columns: Feature columns with unique names.
        dim: Length of the vectors of columns that do not say it themselves (numeric, indicator,
            bucketized). Default: the dimension of the other columns.
        linear: Whether to hold linear weights. Default: True.
        l2: L2 regularization of the rows that a batch looks up: adds
            `l2 * (sum of their squares) / batch` to the loss, each distinct row once per column.
        tables: Tables to use instead of new ones, by name: a `QuotientRemainderTable` for a huge
            vocabulary, or those of another layer (its `tables`), which are then shared with it;
            a layer that shares has no configuration, so make both in your model's constructor.
        pooling: Rules instead of the columns' combiners, by column name: `LastK`, `Maximum`,
            `Minimum`, `RecencyDecay` or `TargetAttention` of `tfrs_afm.embeddings`.

    Call arguments:
        features: Dict from feature name to Tensor (-1 and '' are padding), SparseTensor or
            RaggedTensor.

    Returns:
        `Fields(vectors (batch, n, dim), mask (batch, n), linear (batch, n))`.

    Raises:
        ValueError: If columns disagree in their dimension, or none says it.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 10)
        >>> columns = [fc.embedding_column(seen, 4), fc.numeric_column("age")]
        >>> embed = tfrs_afm.FieldEmbedding(columns)
        >>> fields = embed({"seen": tf.ragged.constant([[1, 2], []], tf.int64),
        ...                 "age": tf.constant([30.0, 40.0])})
        >>> fields.vectors.shape, fields.mask.numpy().tolist()
        (TensorShape([2, 2, 4]), [[True, True], [False, True]])
    """

    def __init__(
        self,
        columns: Sequence[Any],
        dim: int | None = None,
        *,
        linear: bool = True,
        l2: float = 0.0,
        tables: Mapping[str, Any] | None = None,
        pooling: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(columns, dim, linear=linear, l2=l2, tables=tables, **kwargs)
        self.pooling = dict(pooling or {})
        self._stacked: StackedTables | None = None
        self._by_name = {field.name: field for field in self._fields}
        for name, rule in self.pooling.items():
            field = self._pooled_field(name)
            if rule.query is not None:
                query = self._query_field(rule)
                keys = tuple(dict.fromkeys((*field.keys, *query.keys)))  # it reads both
                self._fields[self._fields.index(field)] = dataclasses.replace(field, keys=keys)

    @property
    def joined_fields(self) -> list[Field]:
        """The fields of ids whose members are looked up and pooled together."""
        return [f for f in self._fields if can_be_joined(f) and f.name not in self.pooling]

    def call(self, features: Mapping[str, Any]) -> Fields:
        """Embeds a batch; see the class."""
        return self.embed(features, self._fields)

    def embed(self, features: Mapping[str, Any], fields: Sequence[Field]) -> Fields:
        """Embeds some of the fields only.

        Args:
            features: Raw features; only those in `field.keys` of `fields` are needed.
            fields: The fields to embed, from `self.fields`.

        Returns:
            As for the call, with these fields in this order.
        """
        wanted = {field.name: field for field in fields}
        for field in fields:
            rule = self.pooling.get(field.name)
            if rule is not None and rule.query is not None:
                wanted.setdefault(rule.query, self._by_name[rule.query])
        blocks = self._blocks(features, fields, list(wanted.values()))
        declared = [field.name for field in self._fields]
        blocks.sort(key=lambda block: declared.index(block.names[0]))
        names = [name for block in blocks for name in block.names]
        order = [names.index(field.name) for field in fields]
        parts = zip(*(block.fields for block in blocks), strict=True)
        vectors, mask, linear = (
            None if part[0] is None else in_order(tf.concat(part, 1), order)
            for part in map(list, parts)
        )
        vectors, linear = self._small(vectors, fields), self._small(linear, fields)
        if not self.pooling:  # a rule of a user's own may leave anything behind the mask
            note_zeros(vectors, mask)
            if linear is not None:
                note_zeros(linear, mask)
        return Fields(vectors, mask, linear)

    def _blocks(
        self, features: Mapping[str, Any], read: Sequence[Field], fields: Sequence[Field]
    ) -> list["_Block"]:
        """Embeds fields, those of a kind together: the work is per batch, not per column."""
        joined = {field.name for field in self.joined_fields}
        plain = [field for field in fields if field.name in joined]
        cache = self._encoder.read(features, read, plain)
        numbers = [f for f in fields if f.categorical is None and not f.sequence]
        single = [f for f in numbers if f.table.rows == 1]
        groups = [[f for f in single if self._held(f) == held] for held in ("apart", "")]
        blocks = [self._joined_numbers(group, cache) for group in groups if group]
        for field in numbers:
            if field not in single:
                values, real, rows, weights = self._numbers(field, cache)
                linear = None if weights is None else tf.matmul(values, weights)
                mask = tf.reduce_any(real, axis=1)
                blocks.append(self._one(field, tf.matmul(values, rows), mask, linear))
        kinds = {f.name: (self._encoder.form(f, cache), self._held(f)) for f in plain}
        for kind in dict.fromkeys(kinds.values()):
            alike = [f for f in plain if kinds[f.name] == kind]
            blocks.append(self._joined_ids(alike, cache, one_each=kind[0] == "one"))
        others = [f for f in fields if f not in numbers and f not in plain]
        members = self._encoder.encode(others, cache)
        parts = [self._look_up(field, one) for field, one in zip(others, members, strict=True)]
        for part in parts:
            if part.field.name not in self.pooling:
                blocks.append(self._one(part.field, *_combined(part)))
        ruled = [part for part in parts if part.field.name in self.pooling]
        # Rules with a query come last: what they ask for may itself have a rule.
        ruled.sort(key=lambda part: self.pooling[part.field.name].query is not None)
        for part in ruled:
            rule = self.pooling[part.field.name]
            query = None if rule.query is None else _vectors_of(rule.query, blocks)
            vectors, linear = rule(part.rows, part.weights, part.members, query)
            mask = member_counts(part.members) > 0
            blocks.append(self._one(part.field, vectors, mask, linear))
        return blocks

    def _held(self, field: Field) -> str:
        return "" if self._stacked is None else self._stacked.hold(field, linear=self.linear)

    def _one(self, field: Field, vectors: Tensor, mask: Tensor, linear: Tensor) -> "_Block":
        vectors = tf.reshape(vectors, [-1, 1, self.dim])
        return _Block([field.name], Fields(vectors, mask[:, tf.newaxis], linear))

    @tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
    def _joined_ids(
        self, fields: Sequence[Field], cache: ReadFeatures, *, one_each: bool
    ) -> "_Block":
        names = [field.name for field in fields]
        members = self._encoder.join(fields, cache, one_each=one_each)
        if self._stacked is not None and self._held(fields[0]):
            return _Block(names, Fields(*self._stacked.pooled(fields, members)))
        tables = self._kernel_tables(fields)
        if tables is not None:
            segments = None if members.one_each is True else members.segments()
            combiners = [field.combiner for field in fields]
            looked_up = lookups.look_up(*tables, combiners, members.ids, segments, members.batch)
            return _Block(names, Fields(*looked_up))
        members = only_real(members)
        ids = tf.split(members.ids, members.sizes, num=len(fields))
        rows = [
            self._regularized(field, one, members.batch)
            for field, one in zip(fields, ids, strict=True)
        ]
        weights = None
        if self.linear:
            weights = [self._weights(field, one) for field, one in zip(fields, ids, strict=True)]
        combiners = [field.combiner for field in fields]
        return _Block(names, Fields(*pool(rows, weights, members, combiners)))

    @tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
    def _joined_numbers(self, fields: Sequence[Field], cache: ReadFeatures) -> "_Block":
        values = self._encoder.joined_numbers(fields, cache)  # (batch, F)
        if self._stacked is not None and self._held(fields[0]):
            rows, weights = self._stacked.numbers(fields)
        elif (tables := self._kernel_tables(fields)) is not None:
            every = tf.zeros([len(fields)], tf.int64)
            one = tf.constant(1, tf.int64)
            rows, _, weights = lookups.look_up(*tables, ["sum"] * len(fields), every, None, one)
            rows, weights = rows[0], None if weights is None else weights[0]
        else:
            zero, batch, weights = tf.zeros([1], tf.int64), tf.shape(values)[0], None
            rows = tf.concat([self._regularized(field, zero, batch) for field in fields], 0)
            if self.linear:
                weights = tf.concat([self._weights(field, zero)[:, 0] for field in fields], 0)
        real, values = values != 0, tf.cast(values, rows.dtype)
        vectors = values[:, :, tf.newaxis] * rows
        linear = None if weights is None else values * weights
        return _Block([field.name for field in fields], Fields(vectors, real, linear))

    def _kernel_tables(self, fields: Sequence[Field]) -> tuple[list[Any], list[Any]] | None:
        """Tables of vectors and linear weights that the kernels look up in; None if they do not."""
        if self.l2 or self._wide != tf.float32 or not self.built:
            return None
        names = [field.table.name for field in fields]
        linear = [f"{field.name}/linear" for field in fields] if self.linear else []
        tables = [self.tables[name] for name in (*names, *linear)]
        if not all(isinstance(one, DenseTable) and one.max_norm is None for one in tables):
            return None
        variables = [table.embedding_weights for table in tables]
        if not lookups.may_look_up(variables):
            return None
        return variables[: len(names)], variables[len(names) :]

    @contextlib.contextmanager
    def stacked(self, dtype: str = "float32") -> Iterator[Any]:
        """Looks rows up in a copy of the tables, all in one, while the block runs.

        For tracing what only scores: then a lookup does for all columns. What is traced within
        reads the copy, so training goes on without it.

        Args:
            dtype: How the copy is kept: "float32", "float16", or "int8" with a scale a row.

        Yields:
            What holds the copy, to be saved with the functions that read it.

        Example:
            >>> import tensorflow as tf, tfrs_afm
            >>> embed = tfrs_afm.FieldEmbedding([tf.feature_column.numeric_column("age")], 4)
            >>> features = {"age": tf.constant([[30.0]])}
            >>> vectors = embed(features).vectors
            >>> with embed.stacked():
            ...     bool(tf.reduce_all(embed(features).vectors == vectors))
            True
        """
        # Past Keras' bookkeeping: this is no part of the layer.
        object.__setattr__(self, "_stacked", StackedTables(self.tables, self._fields, dtype))
        try:
            yield self._stacked
        finally:
            object.__setattr__(self, "_stacked", None)

    def _pooled_field(self, name: str) -> Field:
        field = self._by_name.get(name)
        if field is None or (field.categorical is None and not field.sequence):
            raise ValueError(
                "`pooling` must name columns that have ids to pool. Received: pooling for "
                f"'{name}'. The columns are {sorted(self._by_name)}."
            )
        return field

    def _query_field(self, rule: Layer) -> Field:
        query = self._by_name.get(rule.query)
        nested = query is not None and getattr(self.pooling.get(query.name), "query", None)
        if query is None or nested:
            raise ValueError(
                "`query` must name a column that has no query of its own. Received: "
                f"query='{rule.query}'. The columns are {sorted(self._by_name)}."
            )
        return query

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, columns, tables and rules serialized."""
        rules = {name: tf.keras.layers.serialize(rule) for name, rule in self.pooling.items()}
        return {**super().get_config(), "pooling": rules}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ColumnEmbedding":
        """Makes the layer that `get_config` described."""
        rules = {
            name: tf.keras.layers.deserialize(rule) for name, rule in config["pooling"].items()
        }
        return super().from_config({**config, "pooling": rules})


class _Block(NamedTuple):
    """Some of the fields, embedded together."""

    names: list[str]
    fields: Fields


def _vectors_of(name: str, blocks: Sequence[_Block]) -> Tensor:
    block = next(one for one in blocks if name in one.names)
    return block.fields.vectors[:, block.names.index(name)]


def _combined(part: FieldMembers) -> tuple[Any, Any, Any]:
    counts = member_counts(part.members)
    combiner = part.field.combiner
    vectors = combine(part.rows, part.members, combiner, counts)
    linear = None
    if part.weights is not None:
        linear = combine(part.weights, part.members, combiner, counts)
    return vectors, counts > 0, linear
