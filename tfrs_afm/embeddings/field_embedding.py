"""Feature columns to one vector per field."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.field import Field
from tfrs_afm.embeddings.column_embedding import ColumnEmbedding, FieldMembers
from tfrs_afm.embeddings.combine import combine, member_counts
from tfrs_afm.types import Layer


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


_Embedded = tuple[Any, Any, Any]  # vectors (batch, dim), mask (batch,), linear (batch, 1) or None


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
        self._by_name = {field.name: field for field in self._fields}
        for name, rule in self.pooling.items():
            field = self._pooled_field(name)
            if rule.query is not None:
                query = self._query_field(rule)
                keys = tuple(dict.fromkeys((*field.keys, *query.keys)))  # it reads both
                self._fields[self._fields.index(field)] = dataclasses.replace(field, keys=keys)

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
        cache = self._encoder.read(features, fields)
        wanted = {field.name: field for field in fields}
        for field in fields:
            rule = self.pooling.get(field.name)
            if rule is not None and rule.query is not None:
                wanted.setdefault(rule.query, self._by_name[rule.query])
        done = self._combined(list(wanted.values()), cache)
        vectors, masks, linear = zip(*(done[field.name] for field in fields), strict=True)
        return Fields(
            # (batch, n * dim) to (batch, n, dim): faster than a stack, and so is its gradient.
            tf.reshape(tf.concat(vectors, axis=1), [-1, len(fields), self.dim]),
            tf.stack(masks, axis=1),
            tf.concat(linear, axis=1) if self.linear else None,
        )

    def _combined(self, fields: Sequence[Field], cache: Any) -> dict[str, _Embedded]:
        """Vectors, mask and linear term of each field, by name."""
        done: dict[str, _Embedded] = {}
        with_ids = [field for field in fields if field.categorical is not None or field.sequence]
        for field in fields:
            if field not in with_ids:
                values, real, rows, weights = self._numbers(field, cache)
                linear = None if weights is None else tf.matmul(values, weights)
                done[field.name] = tf.matmul(values, rows), tf.reduce_any(real, axis=1), linear
        members = self._encoder.encode(with_ids, cache)
        parts = [self._look_up(field, one) for field, one in zip(with_ids, members, strict=True)]
        plain = [part for part in parts if part.field.name not in self.pooling]
        for part, pooled in zip(plain, combine_fields(plain), strict=True):
            done[part.field.name] = pooled
        ruled = [part for part in parts if part.field.name in self.pooling]
        # Rules with a query come last: what they ask for may itself have a rule.
        ruled.sort(key=lambda part: self.pooling[part.field.name].query is not None)
        for part in ruled:
            rule = self.pooling[part.field.name]
            query = None if rule.query is None else done[rule.query][0]
            vectors, linear = rule(part.rows, part.weights, part.members, query)
            done[part.field.name] = vectors, member_counts(part.members) > 0, linear
        return done

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


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def combine_fields(parts: Sequence[FieldMembers]) -> list[tuple[Any, Any, Any]]:
    """Pools fields by their columns' combiners.

    Most scalar columns have one id an example, but a SparseTensor does not say so. Where the batch
    at hand turns out to be such, the looked-up rows are the pooled vectors already, and the sums
    are left out.

    Args:
        parts: The fields to pool.

    Returns:
        For each, vectors `(batch, dim)`, mask `(batch,)`, and linear terms `(batch, 1)` or None.
    """
    scalars = [part for part in parts if not part.field.sequence and part.members.values is None]
    others = [part for part in parts if part not in scalars]
    pooled = dict(zip((part.field.name for part in others), _pooled(others), strict=True))
    if scalars:
        members = [part.members for part in scalars]
        flat = tf.cond(
            tf.reduce_all(tf.stack([_one_each(one) for one in members])),
            lambda: [tf.identity(one) for part in scalars for one in _looked_up(part)],
            lambda: [one for part in _pooled(scalars) for one in part if one is not None],
        )
        width = len(flat) // len(scalars)
        for index, part in enumerate(scalars):
            vectors, mask, *linear = flat[index * width : (index + 1) * width]
            pooled[part.field.name] = (
                tf.ensure_shape(vectors, [None, part.rows.shape[1]]),
                tf.ensure_shape(mask, [None]),
                tf.ensure_shape(linear[0], [None, 1]) if linear else None,
            )
    return [pooled[part.field.name] for part in parts]


def _one_each(members: Any) -> Any:
    """Whether each example has exactly one member: as many as rows, and none beside another."""
    count = tf.shape(members.ids, tf.int64)[0]
    return tf.logical_and(count == members.num_rows, members.length == 1)


def _looked_up(part: FieldMembers) -> list[Any]:
    mask = tf.ones(tf.shape(part.members.ids), tf.bool)
    return [part.rows, mask] if part.weights is None else [part.rows, mask, part.weights]


def _pooled(parts: Sequence[FieldMembers]) -> list[tuple[Any, Any, Any]]:
    results = []
    for part in parts:
        counts = member_counts(part.members)
        combiner = part.field.combiner
        vectors = combine(part.rows, part.members, combiner, counts)
        linear = None
        if part.weights is not None:
            linear = combine(part.weights, part.members, combiner, counts)
        results.append((vectors, counts > 0, linear))
    return results
