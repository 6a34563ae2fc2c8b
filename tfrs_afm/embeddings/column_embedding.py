"""What the embedding layers share: tables of fields, and the members of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm._host import builds_from_shapes
from tfrs_afm.columns.column_encoder import ColumnEncoder, Members
from tfrs_afm.columns.field import Field, fields_of, scope_name, tables_of
from tfrs_afm.columns.parsing import parse_spec
from tfrs_afm.columns.serialization import deserialize_columns, serialize_columns
from tfrs_afm.embeddings.tables import DenseTable, QuotientRemainderTable
from tfrs_afm.frames import frame_features, is_frame
from tfrs_afm.types import Column, KerasLayer, Layer, Shape, Tensor


class FieldMembers(NamedTuple):
    """The members of one field over a batch, looked up but not yet pooled.

    Attributes:
        field: The field.
        members: Its real members.
        rows: `(count, dim)`, the row of each member.
        weights: `(count, 1)`, the linear weight of each member, or None.
    """

    field: Field
    members: Members
    rows: Any
    weights: Any


class ColumnEmbedding(KerasLayer):
    """Feature columns and the tables behind them; abstract.

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
    """

    def __init__(
        self,
        columns: Sequence[Any],
        dim: int | None = None,
        *,
        linear: bool = True,
        l2: float = 0.0,
        tables: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # Raw features keep their dtype: float16 would overflow on a number such as a timestamp.
        super().__init__(autocast=False, **kwargs)
        if l2 < 0:
            raise ValueError(f"`l2` must not be negative. Received: l2={l2}. Use 0 for none.")
        self._fields = fields_of(columns)
        self.columns = list(columns)
        self.linear = linear
        self.l2 = l2
        self._dim_argument = dim
        self._tables_argument = sorted(tables or {})
        self._shared = sorted(n for n, one in (tables or {}).items() if hasattr(one, "first_layer"))
        self.tables = field_tables(
            self._fields, dim, linear=linear, given=tables, policy=self.dtype_policy
        )
        for table in self.tables.values():
            if not hasattr(table, "first_layer"):
                table.first_layer = self.name
        self.dim: int = self.tables[self._fields[0].table.name].dim
        self._encoder = ColumnEncoder()
        # Sums and products with raw numbers overflow float16, and lose digits in bfloat16.
        self._wide = tf.float64 if self.compute_dtype == "float64" else tf.float32

    @property
    def fields(self) -> list[Field]:
        """The fields, in declared order."""
        return list(self._fields)

    def words(self, column: Column) -> list[bytes] | list[int]:
        """Returns the words of a vocabulary column in the order of their rows.

        Args:
            column: A categorical column with a vocabulary list or file, as it is inside an
                embedding column.

        Returns:
            Bytes or integers, without the buckets for unknown words; of a file, those that this
            layer read, whatever is in the file by now.
        """
        return self._encoder.words(column)

    def __call__(self, features: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Embeds features, or, while Keras makes the variables of a model, an empty batch.

        Args:
            features: Raw features by name, or a data frame.
            *args: As in Keras.
            **kwargs: As in Keras.
        """
        if builds_from_shapes():
            # Of unknown size: a recurrent layer after it refuses sequences known to be empty.
            none = tf.compat.v1.placeholder_with_default(tf.zeros([0], tf.string), [None])
            features = tf.io.parse_example(none, parse_spec(self.columns))
        if is_frame(features):
            features = frame_features(features, self.columns)
        return super().__call__(features, *args, **kwargs)

    def build(self, input_shape: Shape) -> None:
        """Makes the tables, in the order of their names, so that reordering columns is harmless."""
        for name, table in self.tables.items():
            if not table.built:
                with tf.name_scope(
                    table.name if name in self._tables_argument else self._scope(name)
                ):
                    table.build(None)
                    table.built = True
        super().build(input_shape)

    def _scope(self, name: str) -> str:
        """The scope of a table's variables; one that needs another around it has this layer's."""
        scope = scope_name(name, root=False)
        alone = not tf.get_current_name_scope()  # as when a file is loaded
        return f"{self.name}/{scope}" if alone and scope != scope_name(name, root=True) else scope

    @tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
    def _look_up(self, field: Field, members: Members) -> FieldMembers:
        """Looks up the rows and linear weights of members.

        The numbers of a numeric sequence multiply what they look up here: in a mean they are what
        is averaged, where the values of ids are the weights of the average.
        """
        rows = self._regularized(field, members.ids, members.num_rows)
        weights = self._weights(field, members.ids)
        if field.categorical is None:
            numbers = tf.cast(members.values, rows.dtype)[:, tf.newaxis]
            rows = rows * numbers
            weights = None if weights is None else weights * numbers
            members = members._replace(values=None)
        return FieldMembers(field, members, rows, weights)

    def _rows(self, name: str, ids: Tensor) -> Tensor:
        """Rows of a table, in the dtype in which raw numbers multiply them and sums are made."""
        if not self.built:  # its `call` or `embed` is called by itself
            with tf.init_scope():
                self.build(None)
        table = self.tables[name]
        look_up = getattr(table, "look_up", table)
        return tf.cast(look_up(ids), self._wide)

    def _regularized(self, field: Field, ids: Tensor, batch: Tensor) -> Any:
        if not self.l2:
            return self._rows(field.table.name, ids)
        distinct, index = tf.unique(ids)
        rows = self._rows(field.table.name, distinct)
        squares = tf.reduce_sum(tf.square(tf.cast(rows, tf.float32)))
        self.add_loss(self.l2 * tf.math.divide_no_nan(squares, tf.cast(batch, tf.float32)))
        return tf.gather(rows, index)

    def _weights(self, field: Field, ids: Tensor) -> Tensor:
        return self._rows(f"{field.name}/linear", ids) if self.linear else None

    def _numbers(self, field: Field, cache: Any) -> tuple[Any, Any, Any, Any]:
        """Values `(batch, size)`, which of them are members, rows and weights of a numeric field.

        A 0 is not a member: the papers' sums run over the features that are not zero.
        """
        values = self._encoder.numbers(field, cache)
        elements = tf.range(field.table.rows, dtype=tf.int64)
        rows = self._regularized(field, elements, tf.shape(values)[0])
        return tf.cast(values, rows.dtype), values != 0, rows, self._weights(field, elements)

    def _small(self, embedded: Tensor, fields: Sequence[Field]) -> Tensor:
        """Casts what raw numbers have multiplied, and sums of it, to the layer's compute dtype.

        Args:
            embedded: `(batch, n, ...)`, or None, which is returned as it is.
            fields: The n fields, or the one of all n places.

        Raises:
            tf.errors.InvalidArgumentError: When it runs, if float16 cannot hold one of them.
        """
        if embedded is None or self.compute_dtype != "float16":
            return None if embedded is None else tf.cast(embedded, self.compute_dtype)
        small = tf.cast(embedded, self.compute_dtype)
        others = [0, *range(1 if len(fields) == 1 else 2, len(small.shape))]
        lost = tf.reshape(tf.reduce_any(tf.math.is_inf(small), axis=others), [-1])
        names = tf.constant([field.keys[0] for field in fields])
        which = tf.argmax(tf.cast(lost, tf.int32))
        message = [
            "A number must fit float16, with 65504 as its largest, once it has multiplied its "
            "vector. Received a larger one of feature",
            names[which],
            "Give its column a normalizer_fn, such as tfrs_afm.Normalizer, or use mixed_bfloat16.",
        ]
        check = tf.debugging.Assert(~tf.reduce_any(lost), message, summarize=1)
        with tf.control_dependencies([] if check is None else [check]):
            return tf.identity(small)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, the columns serialized.

        Raises:
            NotImplementedError: If it looks up the tables of another layer, which a configuration
                cannot say. It is Keras' word for that: a SavedModel is written all the same.
        """
        if self._shared:
            first = {name: self.tables[name].first_layer for name in self._shared}
            raise NotImplementedError(
                "`tables` must be a layer's own to be written as its configuration. Received: "
                f"tables of other layers, {first}, in layer '{self.name}': each would come back "
                "with tables of its own. Make both layers in the constructor of your model, whose "
                "configuration then holds the columns alone, or save its weights."
            )
        serialize = tf.keras.layers.serialize
        return {
            **super().get_config(),
            "columns": serialize_columns(self.columns),
            "dim": self._dim_argument,
            "linear": self.linear,
            "l2": self.l2,
            "tables": {name: serialize(self.tables[name]) for name in self._tables_argument},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ColumnEmbedding":
        """Makes the layer that `get_config` described."""
        tables = {
            name: tf.keras.layers.deserialize(table) for name, table in config["tables"].items()
        }
        columns = deserialize_columns(config["columns"])
        return cls(**{**config, "columns": columns, "tables": tables})


def field_tables(
    fields: Sequence[Field],
    dim: int | None,
    *,
    linear: bool,
    given: Mapping[str, Any] | None,
    policy: Any,
) -> dict[str, Any]:
    """Makes the tables that a list of fields looks up, or takes those that are given.

    Args:
        fields: The fields of one embedding layer.
        dim: Length of the vectors where the columns leave it open.
        linear: Whether each field has linear weights.
        given: Tables to use instead of new ones, by name: a compositional one, or those of another
            layer, which are then shared with it.
        policy: Keras dtype policy of new tables.

    Returns:
        Table layers by name, sorted by it: `<table>` for vectors, `<field>/linear` for weights.

    Raises:
        ValueError: If a given table is of another size, or no field looks it up.
    """
    given = dict(given or {})
    tables: dict[str, Any] = {}
    for name, table in tables_of(fields, dim).items():
        tables[name] = given.pop(name, None) or DenseTable(
            table.rows,
            table.dimension or 0,
            table.initializer,
            table.max_norm,
            table.ckpt_to_load_from,
            table.tensor_name_in_ckpt,
            trainable=table.trainable,
            name=scope_name(name, root=True),
            dtype=policy,
        )
        made = tables[name]
        if (made.rows, made.dim) != (table.rows, table.dimension):
            raise ValueError(
                "`tables` must fit their columns. Received: tables with "
                f"{made.rows} x {made.dim} for table '{name}' of {table.rows} x "
                f"{table.dimension}. Make it with the column's buckets and dimension."
            )
    for field in fields if linear else ():
        name = f"{field.name}/linear"
        if name in tables:
            raise ValueError(
                "`columns` must not be called as the linear weights of another. Received: columns "
                f"'{field.name}' and '{name}'. Give one of the two features another name."
            )
        tables[name] = given.pop(name, None) or _linear_table(
            field.table.rows, tables[field.table.name], name, policy
        )
    unused = sorted(set(given) - {f"{field.name}/linear" for field in fields})
    if unused:
        raise ValueError(
            f"`tables` must be tables of the columns. Received: tables with {unused}. "
            f"The columns look up {sorted(tables)}."
        )
    return dict(sorted(tables.items()))


def _linear_table(rows: int, vectors: Tensor, name: str, policy: Any) -> Layer:
    """Weights of width 1, composed where the vectors are: a dense column would be as huge."""
    name = scope_name(name, root=True)
    if isinstance(vectors, QuotientRemainderTable):
        return QuotientRemainderTable(
            rows, 1, vectors.num_remainders, "add", "zeros", name=name, dtype=policy
        )
    return DenseTable(rows, 1, tf.keras.initializers.Zeros(), name=name, dtype=policy)
