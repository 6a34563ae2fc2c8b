"""Whether raw features have the shapes that their columns say: one row an example, no more."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.field import Field, columns_below
from tfrs_afm.types import Feature, Tensor


def checked_shapes(tensors: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Feature]:
    """Checks numbers a row, and that all features have as many rows.

    A reshape to a column's width cuts rows anew where there are more numbers than that, so that
    3 rows come out of 2. What is known while a graph is made is checked then, at no cost; the rest
    is one comparison for all features.

    Args:
        tensors: Feature -> Tensor, SparseTensor or RaggedTensor.
        fields: The fields that read them.

    Returns:
        The same; where something is left to be checked when it runs, they depend on that.

    Raises:
        TypeError: If a feature is of uint64, or one of numbers is of text.
        ValueError: If a feature has another width than its column, or another batch size than the
            others; it names the feature.
        tf.errors.InvalidArgumentError: When it runs, of the same.
    """
    found = dict(tensors)
    checks: list[Any] = []
    for field in fields:
        for key in field.keys:
            if found[key].dtype == tf.uint64:
                raise TypeError(
                    f"`{key}` must not be of uint64, which TensorFlow's columns cannot read. "
                    f"Received: {key} of uint64 for field '{field.name}'. Cast it to int64, or "
                    "where ids are larger than that to text, for a hash column."
                )
        for key, shape, sequence in _numbers_below(field):
            if found[key].dtype == tf.string:
                raise TypeError(
                    f"`{key}` must be numbers. Received: {key} of string for field "
                    f"'{field.name}'. Parse it with tf.strings.to_number, or use a vocabulary."
                )
            check = _check_width(field, key, found[key], shape, sequence=sequence)
            if check is not None:
                checks.append(check)
    rows = None if _of_one_parse(found) else _check_rows(found)
    if rows is not None:
        checks.append(rows)
    if checks:
        # All that is put side by side waits for any of it; what a field crosses waits by itself.
        waiting = {field.keys[0] for field in fields if len(field.keys) > 1} | {fields[0].keys[0]}
        with tf.control_dependencies(checks):
            found |= {key: _after(found[key]) for key in waiting}
    return found


def _numbers_below(field: Field) -> list[tuple[str, tuple[int, ...], bool]]:
    kinds = {"NumericColumn": False, "SequenceNumericColumn": True}
    return [
        (one.key, tuple(one.shape), kinds[type(one).__name__])
        for one in columns_below(field.column)
        if type(one).__name__ in kinds
    ]


def _check_width(
    field: Field, key: str, tensor: Feature, shape: tuple[int, ...], *, sequence: bool
) -> Any:
    """A check that is left for when it runs; None where there is none."""
    width = math.prod(shape)
    known = tensor.shape
    if known.rank == 0 or (sequence and width == 1 and known.rank in (1, 2)):
        return None  # TensorFlow refuses the one; in the other any length will do
    if sequence and known.rank is None:
        return None
    wanted = f"(batch, {', '.join(map(str, shape))})"
    if sequence:
        wanted = f"(batch, T, {width}) or (batch, T * {width})" if width > 1 else "(batch, T)"
    rule = f"`{key}` must have the shape of its column, {wanted}. Received:"
    fix = f"Give as many numbers a row as the column's shape={shape} says, or change the column."
    inner: list[Any] = known[1:].as_list() if known.rank is not None else [None]
    if sequence and inner:
        inner = inner[-1:]  # of (batch, T * width) the one, of (batch, T, width) the other
    if None not in inner:
        if _fits(math.prod(inner), width, flat=sequence and known.rank == 2):
            return None
        shown = tuple(known.as_list())
        raise ValueError(f"{rule} {key} of shape {shown} for field '{field.name}'. {fix}")
    dynamic = tensor.dense_shape if isinstance(tensor, tf.SparseTensor) else tf.shape(tensor)
    count = dynamic[-1] if sequence else tf.reduce_prod(dynamic[1:])
    right = count % width == 0 if sequence and known.rank == 2 else count == width
    message = [rule, f"{key} of shape", dynamic, f"for field '{field.name}'.", fix]
    return tf.debugging.Assert(right, message, summarize=8)


def _fits(count: int, width: int, *, flat: bool) -> bool:
    return count % width == 0 if flat else count == width


def _of_one_parse(tensors: Mapping[str, Any]) -> bool:
    """Whether one operation parsed all features, each with a row for each example."""
    parsed = [
        one.row_splits
        if isinstance(one, tf.RaggedTensor)
        else one.dense_shape
        if isinstance(one, tf.SparseTensor)
        else one
        for one in tensors.values()
    ]
    if not all(map(tf.is_symbolic_tensor, parsed)):
        return False  # of no graph, even where one is made that reads them
    operations = [one.op for one in parsed]
    return operations[0].type == "ParseExampleV2" and len(set(operations)) == 1


def _check_rows(tensors: Mapping[str, Any]) -> Any:
    """One comparison of all batch sizes that are not known yet."""
    known = {
        key: one.shape[0]
        for key, one in tensors.items()
        if one.shape.rank and one.shape[0] is not None
    }
    if len(set(known.values())) > 1:
        raise ValueError(f"{_ROWS} {_counts(known)}. {_FIX}")
    first = next(iter(known), None)
    keys = [key for key, one in tensors.items() if key not in known and one.shape.rank != 0]
    if len(keys) + (first is not None) < 2:
        return None
    # A slice of many shapes at once: one a feature would cost as much as to embed it.
    alike: dict[Any, list[str]] = {}
    for key in keys:
        one = tensors[key]
        kind = None if isinstance(one, tf.RaggedTensor) else one.shape.rank
        alike.setdefault((type(one), kind, one.dtype), []).append(key)
    parts = [_counted([tensors[key] for key in same]) for same in alike.values()]
    counts, names = tf.concat(parts, 0), [key for same in alike.values() for key in same]
    wanted = counts[0] if first is None else tf.constant(known[first], tf.int64)
    equal = tf.reduce_all(counts == wanted)

    def complain() -> Tensor:
        index = tf.argmax(tf.cast(counts != wanted, tf.int32))
        other = names[0] if first is None else first
        message = [_ROWS, wanted, f"rows of '{other}' and", counts[index], "of"]
        message += [tf.gather(tf.constant(names), index), _FIX]
        return failed(message)

    return tf.cond(equal, lambda: tf.constant(value=True), complain)


def _counted(alike: Sequence[Any]) -> Tensor:
    """Numbers of rows of tensors of one kind, rank and dtype."""
    if isinstance(alike[0], tf.RaggedTensor):
        return tf.stack([one.nrows(tf.int64) for one in alike])
    if isinstance(alike[0], tf.SparseTensor):
        return tf.stack([one.dense_shape for one in alike])[:, 0]
    shapes = tf.shape_n(list(alike), tf.int64)
    if alike[0].shape.rank is None:
        shapes = [shape[:1] for shape in shapes]
    return tf.stack(shapes)[:, 0]


def failed(message: Sequence[Any]) -> Tensor:
    """An error, for the branch of a graph that is run only where something is wrong.

    `tf.debugging.Assert` there would make a branch of its own again, whose operations are gone
    through, without effect, by every request in which nothing is wrong.

    Args:
        message: Texts and tensors of one element.

    Returns:
        A `()` bool that never comes to be.

    Raises:
        tf.errors.InvalidArgumentError: When it runs.
    """
    wrong = tf.constant(value=False)
    if tf.executing_eagerly():
        tf.debugging.Assert(wrong, list(message), summarize=1)
    texts = [tf.convert_to_tensor(part) for part in message]
    with tf.control_dependencies([tf.raw_ops.Assert(condition=wrong, data=texts, summarize=1)]):
        return tf.identity(wrong)


_ROWS = "`features` must have one number of rows. Received:"
_FIX = "Give every feature one row an example."


def _counts(known: Mapping[str, int]) -> str:
    first = next(iter(known))
    other = next(key for key, count in known.items() if count != known[first])
    return f"{known[first]} rows of '{first}' and {known[other]} of '{other}'"


def _after(tensor: Feature) -> Feature:
    """The tensor, made inside of control dependencies."""
    if isinstance(tensor, tf.SparseTensor):
        return tf.SparseTensor(tensor.indices, tf.identity(tensor.values), tensor.dense_shape)
    if isinstance(tensor, tf.RaggedTensor):
        return tensor.with_values(tf.identity(tensor.values))
    return tf.identity(tensor)
