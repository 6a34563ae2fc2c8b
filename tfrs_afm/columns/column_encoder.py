"""Raw features to ids and values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.as_column_input import as_column_input
from tfrs_afm.columns.check_ids import check_ids
from tfrs_afm.columns.checked_values import checked_values
from tfrs_afm.columns.column_resources import ColumnResources
from tfrs_afm.columns.field import Field
from tfrs_afm.columns.members import Members
from tfrs_afm.columns.one_id_each import one_id_each
from tfrs_afm.columns.reads_plain_ids import reads_plain_ids
from tfrs_afm.columns.words_of import words_of

_Cache = tf.__internal__.feature_column.FeatureTransformationCache


class ColumnEncoder(tf.Module):
    """Turns raw features into the ids and values of fields, by the columns' own transformations.

    Every id comes from TensorFlow's own column code, so that training, `DenseFeatures` and serving
    agree. What is not a real member is dropped here, once: padding (-1 and the empty string in a
    dense input), holes, and ids below 0 (a vocabulary's way to say "unknown").
    """

    def __init__(self) -> None:
        super().__init__(name="column_encoder")
        self._tables: list[Any] = []
        self._resources = ColumnResources(self._tables)

    def read(self, features: Mapping[str, Any], fields: Sequence[Field]) -> Any:
        """Checks raw features and makes a cache from which `encode` reads.

        Args:
            features: Raw features by name: Tensor, SparseTensor or RaggedTensor.
            fields: The fields that will be encoded.

        Returns:
            A `FeatureTransformationCache`; columns over one feature share their work in it.

        Raises:
            TypeError: If `features` is not a dict.
            ValueError: If a feature is missing.
        """
        if not isinstance(features, Mapping):
            raise TypeError(
                "`features` must be a dict from feature name to tensor. Received: "
                f"features={type(features).__name__}. Pass the parsed features by name."
            )
        tensors = {}
        for field in fields:
            for key in field.keys:
                if key not in features:
                    raise ValueError(
                        "`features` must hold every feature that the columns read. Received: "
                        f"features={sorted(features)} without '{key}' for field '{field.name}'. "
                        "Add it, or parse with `tfrs_afm.parse_spec(columns)`."
                    )
                tensors[key] = as_column_input(features[key])
        only_ids = {field.keys[0] for field in fields if reads_plain_ids(field)}
        other = {key for field in fields if not reads_plain_ids(field) for key in field.keys}
        for key in only_ids - other:
            tensors[key] = one_id_each(tensors[key])
        return _Cache(tensors)

    def encode(self, fields: Sequence[Field], cache: Any) -> list[Members]:
        """Returns the members of categorical and sequence fields.

        Args:
            fields: Fields with ids, or sequences of numbers.
            cache: What `read` returned.

        Returns:
            The real members of each field over the batch.
        """
        found = {}
        for field in fields:
            if field.categorical is not None:
                found[field] = field.categorical.get_sparse_tensors(cache, self._resources)
        bounded = {
            field: ids
            for field, (ids, _) in found.items()
            if _may_be_out_of_range(field.categorical)
        }
        # A lookup would complain of an unknown id first, without naming the feature.
        with tf.control_dependencies([check_ids(bounded)] if bounded else []):
            return [
                self._number_sequence(field, cache)
                if field.categorical is None
                else _members(field, *found[field])
                for field in fields
            ]

    def words(self, column: Any) -> list[bytes] | list[int]:
        """Returns the words of a vocabulary column in the order of their rows.

        Args:
            column: A categorical column with a vocabulary, without wrappers.

        Returns:
            Bytes or integers; those that this encoder looks up, once it has.
        """
        name = f"{column.key}_lookup"  # as TensorFlow's columns call it
        made = self._resources.has_resource(column, name)
        return words_of(column, self._resources.get_resource(column, name) if made else None)

    def numbers(self, field: Field, cache: Any) -> Any:
        """Returns the `(batch, rows of the table)` float32 values of a numeric field.

        A missing number (NaN) is 0, and a 0 is not a member of the papers' set of features.
        """
        values = field.column.get_dense_tensor(cache, self._resources)
        values = tf.reshape(values, [-1, field.table.rows])
        return tf.where(tf.math.is_nan(values), tf.zeros_like(values), values)

    def lengths(self, field: Field, cache: Any) -> Any:
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


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def _members(field: Field, ids: Any, weights: Any) -> Members:
    values = None if weights is None else checked_values(field, ids, weights)
    entries = [tf.identity(ids.values), ids.indices]
    if values is not None:
        # TensorFlow's mean leaves out what does not weigh; in the papers a 0 is no feature.
        weighs = values != 0 if field.combiner == "sum" else values > 0
        real = weighs & (ids.values >= 0)
        entries = _keep(tf.reduce_all(real), lambda: real, [*entries, values])
    elif _may_be_unknown(field.categorical):
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


def _scalar(categorical: Any) -> Any:
    """The column below a sequence or weighted column."""
    while hasattr(categorical, "categorical_column"):
        categorical = categorical.categorical_column
    return categorical


def _may_be_unknown(categorical: Any) -> bool:
    column = _scalar(categorical)
    return getattr(column, "default_value", 0) in (None, -1) and not getattr(
        column, "num_oov_buckets", 0
    )


def _may_be_out_of_range(categorical: Any) -> bool:
    column = _scalar(categorical)
    return hasattr(column, "number_buckets") and column.default_value is None


def _keep(all_real: Any, real: Callable[[], Any], entries: list[Any]) -> list[Any]:
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
