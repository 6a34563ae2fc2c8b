"""Raw features to ids, values and real members, column by column."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.feature_shapes import checked_shapes
from tfrs_afm.columns.field import Field
from tfrs_afm.columns.flat_ids import (
    FlatIds,
    PaddedLists,
    as_sparse,
    flat_ids,
    is_padding,
    one_id_each,
)
from tfrs_afm.columns.joined_members import (
    JoinedMembers,
    check_ids,
    join,
    keys_of_ids,
    may_be_out_of_range,
    may_be_unknown,
    plain_keys,
)
from tfrs_afm.columns.missing_numbers import ReadFeatures
from tfrs_afm.columns.resources import ColumnResources
from tfrs_afm.columns.vocabulary import words_of
from tfrs_afm.types import Column, Feature, Tensor


class Members(NamedTuple):
    """The real ids of one field over a batch, one entry an id; padding is not among them.

    Attributes:
        ids: `(count,)` int64, each in `[0, rows of the table)`.
        values: `(count,)` float32, the x_i of each id; None where all are 1.
        rows: `(count,)` int64, the example each id belongs to, ascending.
        positions: `(count,)` int64, the place of each id in its sequence.
        num_rows: `()` int64, the batch size.
        length: `()` int64, the longest sequence, padding included.
    """

    ids: Any
    values: Any
    rows: Any
    positions: Any
    num_rows: Any
    length: Any


class ColumnEncoder(tf.Module):
    """Turns raw features into the ids and values of fields, by the columns' own transformations.

    Every id comes from TensorFlow's own column code, so that training, `DenseFeatures` and serving
    agree. What is not a real member is dropped here, once: padding (-1 and the empty string in a
    dense input), holes, missing numbers (NaN) whose column has no default, and ids below 0 (a
    vocabulary's way to say "unknown").
    """

    def __init__(self) -> None:
        super().__init__(name="column_encoder")
        self._tables: list[Any] = []
        self._resources = ColumnResources(self._tables)

    @tf.autograph.experimental.do_not_convert
    def read(
        self,
        features: Mapping[str, Any],
        fields: Sequence[Field],
        joined: Sequence[Field] = (),
    ) -> ReadFeatures:
        """Checks raw features and makes a cache from which the other methods read.

        Args:
            features: Raw features by name: Tensor, SparseTensor, RaggedTensor or PaddedLists.
            fields: The fields that will be encoded.
            joined: Those of them that `join` will encode.

        Returns:
            A `FeatureTransformationCache`; columns over one feature share their work in it.

        Raises:
            TypeError: If `features` is not a dict.
            ValueError: If a feature is missing, or has another shape than its column or other rows
                than its neighbours; in a graph InvalidArgumentError where it shows later.
        """
        if not isinstance(features, Mapping):
            raise TypeError(
                "`features` must be a dict from feature name to tensor. Received: "
                f"features={type(features).__name__}. Pass the parsed features by name."
            )
        tensors: dict[str, Any] = {}
        real: dict[str, Any] = {}
        plain = plain_keys(fields, joined)
        for field in fields:
            for key in field.keys:
                if key not in features:
                    raise ValueError(
                        "`features` must hold every feature that the columns read. Received: "
                        f"features={sorted(features)} without '{key}' for field '{field.name}'. "
                        "Add it, or parse with `tfrs_afm.parse_spec(columns)`."
                    )
                value = features[key]
                if isinstance(value, PaddedLists):
                    if key in plain:
                        real[key] = value.real
                    value = value.values if key in plain else value.ragged()
                if key not in plain or not isinstance(value, tf.RaggedTensor):
                    value = as_column_input(value)
                tensors[key] = value
        tensors = checked_shapes(tensors, fields)
        flats: dict[str, FlatIds] = {}
        for key in plain:
            value = tensors[key]
            flat = flat_ids(PaddedLists(value, real[key]) if key in real else value)
            if flat is None:
                tensors[key] = as_column_input(tensors[key])
            else:
                flats[key] = flat
        tensors.update(as_sparse(flats))
        for key in keys_of_ids(fields) - plain:
            tensors[key] = one_id_each(tensors[key])
        return ReadFeatures(tensors, flats, fields)

    def form(self, field: Field, cache: ReadFeatures) -> Literal["one", "padded", "any"]:
        """In which form a field's ids come, as far as shapes tell.

        Returns:
            "one" if each example may have one id, "padded" if lists of a batch are of one length
            that holds padding, else "any".
        """
        column = field.categorical
        flat = cache.flats.get(field.keys[0])
        if flat is not None and flat.longest is not None:
            return "padded"
        if field.sequence or (hasattr(column, "boundaries") and _elements(column) > 1):
            return "any"
        tensor = cache.get(field.keys[0], self._resources) if len(field.keys) == 1 else None
        one = tensor is None or tensor.shape.rank != 2 or tensor.shape[1] in (None, 1)
        return "one" if one else "any"

    @tf.autograph.experimental.do_not_convert
    def join(
        self, fields: Sequence[Field], cache: ReadFeatures, *, one_each: bool
    ) -> JoinedMembers:
        """Returns the members of fields in one list, at the work of one field.

        Args:
            fields: Fields of ids without values, all of them among the `joined` of `read`.
            cache: What `read` returned.
            one_each: Whether to look if each example has one id in each field.
        """
        flats, raws = [], []
        for field in fields:
            ids, _ = field.categorical.get_sparse_tensors(cache, self._resources)
            raw = cache.flats.get(field.keys[0])
            values = tf.cast(ids.values, tf.int64)
            if raw is None:
                flats.append(FlatIds(values, ids.dense_shape[0], rows=ids.indices[:, 0]))
            else:
                flats.append(raw._replace(values=values))
            raws.append(raw if raw is not None and raw.one_each else None)
            if flats[-1].real is not None:
                ids = tf.where(flats[-1].real, values, tf.constant(-1, tf.int64))
                flats[-1] = flats[-1]._replace(values=ids)
        padded = [index for index, raw in enumerate(raws) if raw is not None]
        # An identity column gives out -1 as it is; all others make an id of what is padding.
        if any(not may_be_out_of_range(fields[index].categorical) for index in padded):
            padding = tf.unstack(is_padding([raw for raw in raws if raw is not None]))
            for index, one in zip(padded, padding, strict=True):
                ids = tf.where(one, tf.constant(-1, tf.int64), flats[index].values)
                flats[index] = flats[index]._replace(values=ids)
        unknown = bool(padded) or any(flat.real is not None for flat in flats)
        unknown = unknown or any(may_be_unknown(field.categorical) for field in fields)
        return join(fields, flats, unknown=unknown, one_each=one_each)

    @tf.autograph.experimental.do_not_convert
    def encode(
        self, fields: Sequence[Field], cache: Any, *, each_alone: bool = False
    ) -> list[Members]:
        """Returns the members of categorical and sequence fields.

        Args:
            fields: Fields with ids, or sequences of numbers.
            cache: What `read` returned.
            each_alone: Whether each id stands by itself. Then it is real where its value is not 0,
                whatever its sign; where a column's combiner pools them, that decides.

        Returns:
            The real members of each field over the batch.
        """
        found = {}
        for field in fields:
            if field.categorical is not None:
                found[field] = field.categorical.get_sparse_tensors(cache, self._resources)
        # A lookup would complain of an unknown id first, without naming the feature.
        check = _check_ids({field: ids for field, (ids, _) in found.items()})
        with tf.control_dependencies([] if check is None else [check]):
            return [
                self._number_sequence(field, cache)
                if field.categorical is None
                else _members(field, *found[field], each_alone=each_alone)
                for field in fields
            ]

    def words(self, column: Column) -> list[bytes] | list[int]:
        """Returns the words of a vocabulary column in the order of their rows.

        Args:
            column: A categorical column with a vocabulary, without wrappers.

        Returns:
            Bytes or integers; those that this encoder looks up, once it has.
        """
        name = f"{column.key}_lookup"  # as TensorFlow's columns call it
        made = self._resources.has_resource(column, name)
        return words_of(column, self._resources.get_resource(column, name) if made else None)

    def numbers(self, field: Field, cache: Any) -> Tensor:
        """Returns the `(batch, rows of the table)` float32 values of a numeric field.

        A missing number (NaN) without a default is 0, and a 0 is not a member of the papers' set
        of features.
        """
        values = field.column.get_dense_tensor(cache, self._resources)
        values = tf.reshape(values, [-1, field.table.rows])
        return tf.where(tf.math.is_nan(values), tf.zeros_like(values), values)

    def joined_numbers(self, fields: Sequence[Field], cache: ReadFeatures) -> Tensor:
        """Returns the `(batch, len(fields))` float32 values of numeric fields of one number."""
        each = [field.column.get_dense_tensor(cache, self._resources) for field in fields]
        values = tf.concat([tf.reshape(one, [-1, 1]) for one in each], 1)
        return tf.where(tf.math.is_nan(values), tf.zeros_like(values), values)

    def lengths(self, field: Field, cache: Any) -> Tensor:
        """Returns how long each example's sequence is, as `SequenceFeatures` counts.

        One past the last place that is not padding; a place whose id is unknown counts.

        Args:
            field: A categorical or sequence field.
            cache: What `read` returned.

        Returns:
            `(batch,)` int64.
        """
        if field.categorical is None:
            members = self._number_sequence(field, cache)
            positions, rows, batch = members.positions, members.rows, members.num_rows
        else:
            ids, _ = field.categorical.get_sparse_tensors(cache, self._resources)
            positions, rows, batch = ids.indices[:, 1], ids.indices[:, 0], ids.dense_shape[0]
        return tf.maximum(tf.math.unsorted_segment_max(positions + 1, rows, batch), 0)

    def _number_sequence(self, field: Field, cache: Any) -> Members:
        numbers = cache.get(field.column, self._resources)
        if not isinstance(numbers, tf.SparseTensor):  # nothing marks padding: all are members
            indices = tf.where(tf.ones_like(numbers, tf.bool))
            shape = tf.shape(numbers, tf.int64)
            numbers = tf.SparseTensor(indices, tf.reshape(numbers, [-1]), shape)
        values = tf.cast(numbers.values, tf.float32)
        real = ~tf.math.is_nan(values)
        values, indices = _keep(tf.reduce_all(real), lambda: real, [values, numbers.indices])
        width = field.table.rows
        columns = indices[:, 1]
        if numbers.shape.rank == 3:  # (batch, T, width): the last axis is the element
            elements, positions, length = indices[:, 2], columns, numbers.dense_shape[1]
        else:  # (batch, T * width): the elements of one place follow each other
            elements, positions = columns % width, columns // width
            length = numbers.dense_shape[1] // width
        return Members(
            ids=elements,
            values=values,
            rows=indices[:, 0],
            positions=positions,
            num_rows=numbers.dense_shape[0],
            length=length,
        )


def _elements(bucketized: Column) -> int:
    return int(tf.TensorShape(bucketized.source_column.shape).num_elements())


def _check_ids(ids: Mapping[Field, Any]) -> Tensor | None:
    bounded = [field for field in ids if may_be_out_of_range(field.categorical)]
    if not bounded:
        return None
    batch = ids[bounded[0]].dense_shape[0]
    rows = [ids[field].indices[:, 0] + index * batch for index, field in enumerate(bounded)]
    values = tf.concat([ids[field].values for field in bounded], 0)
    sizes = tf.stack([tf.size(ids[field].values, tf.int64) for field in bounded])
    return check_ids(bounded, lambda: values, sizes, lambda: tf.concat(rows, 0), batch)


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def _members(field: Field, ids: Tensor, weights: Tensor, *, each_alone: bool) -> Members:
    values = None if weights is None else checked_values(field, ids, weights)
    entries = [tf.identity(ids.values), ids.indices]
    if values is not None:
        # TensorFlow's mean leaves out what does not weigh; in the papers a 0 is no feature.
        # NaN weighs nothing: it is neither above nor below 0.
        both = each_alone or field.combiner == "sum"
        weighs = (tf.abs(values) if both else values) > 0
        real = weighs & (ids.values >= 0)
        entries = _keep(tf.reduce_all(real), lambda: real, [*entries, values])
    elif may_be_unknown(field.categorical):
        known = tf.reduce_min(ids.values) >= 0  # one pass over the ids, in the usual case
        entries = _keep(known, lambda: ids.values >= 0, entries)
    kept, indices = entries[:2]
    return Members(
        ids=kept,
        values=None if values is None else entries[2],
        rows=indices[:, 0],
        positions=indices[:, 1],
        num_rows=ids.dense_shape[0],
        length=ids.dense_shape[1],
    )


def _keep(all_real: Tensor, real: Callable[[], Any], entries: list[Any]) -> list[Any]:
    """Drops entries that are not real; batches without any, the common case, stay as they are."""
    shapes = [entry.shape for entry in entries]
    kept = tf.cond(
        all_real,
        lambda: [tf.identity(entry) for entry in entries],
        lambda: [tf.boolean_mask(entry, real()) for entry in entries],
    )
    return [
        tf.ensure_shape(entry, [None, *shape[1:]])
        for entry, shape in zip(kept, shapes, strict=True)
    ]


def as_column_input(value: Any) -> Feature:
    """Turns a raw feature into a Tensor or SparseTensor.

    Args:
        value: Tensor, SparseTensor, RaggedTensor, or what converts to a Tensor.

    Returns:
        A SparseTensor for a sparse or ragged one, else a Tensor.
    """
    if isinstance(value, tf.RaggedTensor):
        return value.to_sparse()
    if isinstance(value, tf.SparseTensor):
        return value
    return tf.convert_to_tensor(value)


def checked_values(field: Field, ids: Tensor, values: Tensor) -> Tensor:
    """Makes a list of values of another length than its ids an error that names both and the row.

    Args:
        field: A field whose ids have values.
        ids: SparseTensor of the ids.
        values: SparseTensor of their values.

    Returns:
        `(count,)` float32, the values in the order of the ids.

    Raises:
        tf.errors.InvalidArgumentError: When it runs, if a row has another number of values than of
            ids.
    """
    batch = ids.dense_shape[0]

    def per_row(one: Any) -> Tensor:
        rows = tf.minimum(one.indices[:, 0], batch - 1)
        return tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, batch)

    number_of_ids, number_of_values = per_row(ids), per_row(values)
    differ = number_of_ids != number_of_values
    safe = tf.concat([differ, [False]], 0)  # so that there is a row in an empty batch
    row = tf.argmax(tf.cast(safe, tf.int32))
    key = field.categorical.weight_feature_key
    message = [
        f"`{key}` must have one value per id. Received for field '{field.name}' in row",
        row,
        "ids and values:",
        tf.concat([number_of_ids, [0]], 0)[row],
        tf.concat([number_of_values, [0]], 0)[row],
        "Write as many values as ids.",
    ]
    check = tf.debugging.Assert(~tf.reduce_any(differ), message, summarize=1)
    with tf.control_dependencies([] if check is None else [check]):
        flat = tf.cast(tf.identity(values.values), tf.float32)
    if flat.shape.is_compatible_with(ids.values.shape):
        return flat
    # Known while the graph is made, where only the check can say of which row.
    return tf.compat.v1.placeholder_with_default(flat, [None])
