"""Numbers of a `tf.Example` that are of the other type than a column reads, and labels in words."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

_NONE = {int: tf.int64.min, float: float("nan")}
"""What stands for a value that is not there, until its default does."""
_TYPES = {int: tf.int64, float: tf.float32}


def as_written(spec: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """Returns a spec for `tf.io.parse_example`, which refuses 1 for a float and 1.0 for an id.

    Args:
        spec: Feature name -> how a column reads it.
        kinds: Feature name -> the type of its values in the files.

    Example:
        >>> as_written({"age": tf.io.VarLenFeature(tf.float32)}, {"age": int})
        {'age': VarLenFeature(dtype=tf.int64)}
    """
    found = {}
    for name, feature in spec.items():
        kind = kinds.get(name)
        if kind in _TYPES and feature.dtype in (tf.int64, tf.float32):
            changed = {"dtype": _TYPES[kind]}
            if feature.dtype != changed["dtype"] and getattr(feature, "default_value", None):
                changed["default_value"] = tf.fill(feature.shape, _NONE[kind])
            feature = feature._replace(**changed)
        found[name] = feature
    return found


def as_wanted(found: dict[str, Any], spec: Mapping[str, Any], where: Any) -> dict[str, Any]:
    """Gives parsed numbers the type that the columns read.

    Args:
        found: Feature name -> dense or sparse tensor.
        spec: Feature name -> how a column reads it.
        where: File and number of each row, `(batch,)` strings.

    Raises:
        tf.errors.InvalidArgumentError: If a float is wanted as an id and is no whole number.
    """
    for name, value in found.items():
        feature = spec.get(name)
        if feature is None or value.dtype == feature.dtype:
            continue
        if isinstance(value, tf.SparseTensor):
            values = _cast(value.values, feature.dtype, name, where, value.indices[:, 0])
            found[name] = tf.SparseTensor(value.indices, values, value.dense_shape)
            continue
        default = feature.default_value
        absent = value == _NONE[int] if value.dtype == tf.int64 else tf.math.is_nan(value)
        given = tf.where(absent, tf.zeros_like(value), value) if default is not None else value
        cast = _cast(given, feature.dtype, name, where, _rows(value))
        if default is not None:
            cast = tf.where(absent, tf.cast(default, feature.dtype), cast)
        found[name] = cast
    return found


def finite(features: dict[str, Any], where: Any) -> dict[str, Any]:
    """Refuses infinity, which would become predictions; NaN is a missing number, for the model.

    Args:
        features: Feature name -> dense or sparse tensor.
        where: File and number of each row, `(batch,)` strings.

    Raises:
        tf.errors.InvalidArgumentError: If a feature has such a value; it names feature and row.
    """
    numbers = {name: value for name, value in features.items() if value.dtype == tf.float32}
    dense = {name: one for name, one in numbers.items() if not isinstance(one, tf.SparseTensor)}
    sparse = {name: one for name, one in numbers.items() if name not in dense}
    found = dict(features)
    # All at once: an operation for each feature would take a tenth of the time that parsing takes.
    if dense:
        widths = {name: tf.TensorShape(one.shape[1:]).num_elements() for name, one in dense.items()}
        values = tf.concat([tf.reshape(one, [-1, widths[name]]) for name, one in dense.items()], 1)
        names = tf.constant([name for name in dense for _ in range(widths[name])])
        names = tf.tile(names, [tf.shape(values)[0]])
        first = next(iter(dense))
        with tf.control_dependencies([_finite(values, names, where, _rows(values))]):
            found[first] = tf.identity(dense[first])
    if sparse:
        values = tf.concat([one.values for one in sparse.values()], 0)
        names = tf.repeat(list(sparse), [tf.size(one.values) for one in sparse.values()])
        rows = tf.concat([one.indices[:, 0] for one in sparse.values()], 0)
        first = next(iter(sparse))
        with tf.control_dependencies([_finite(values, names, where, rows)]):
            found[first] = tf.identity(sparse[first])
    return found


def _finite(values: Any, names: Any, where: Any, rows: Any) -> Any:
    rule = "be a finite number (float32), or be left out"
    return checked(values, ~tf.math.is_inf(values), names, rule, where, rows)


def _rows(value: Any) -> Any:
    """The row of each value of a dense tensor."""
    first = tf.reshape(tf.range(tf.shape(value)[0]), [-1] + [1] * (len(value.shape) - 1))
    return tf.broadcast_to(first, tf.shape(value))


def _cast(values: Any, dtype: Any, name: str, where: Any, rows: Any) -> Any:
    if dtype == tf.float32:
        return tf.cast(values, dtype)
    whole = tf.cast(values, tf.int64)
    good = (tf.cast(whole, tf.float32) == values) & (tf.abs(values) < 2.0**53)
    rule = "be a whole number (int64)"
    return checked(whole, good, name, rule, where, rows, shown=values)


def number_of_words(texts: Any, words: Mapping[str, float], name: str, where: Any) -> Any:
    """Returns the numbers that labels in words stand for.

    Args:
        texts: `(batch,)` strings.
        words: Text -> number.
        name: The label.
        where: File and number of each row, `(batch,)` strings.

    Raises:
        tf.errors.InvalidArgumentError: If a text stands for none; it names the row.
    """
    same = texts[:, tf.newaxis] == tf.constant(list(words))  # (batch, words)
    numbers = tf.where(same, tf.constant(list(words.values()), tf.float32), 0.0)
    rule = f"be one of {', '.join(words)}"
    known = tf.reduce_any(same, axis=1)
    rows = tf.range(tf.size(texts))
    numbers = tf.reduce_sum(numbers, axis=1)
    return checked(numbers, known, name, rule, where, rows, shown=texts)


def checked(
    values: Any,
    good: Any,
    name: Any,
    rule: str,
    where: Any,
    rows: Any,
    *,
    shown: Any = None,
    fix: str = "",
) -> Any:
    """Returns the values, or says which row has one that breaks a rule.

    Args:
        values: Any tensor.
        good: Whether each value keeps the rule.
        name: Its feature, or `(values,)` strings, the feature of each.
        rule: What it must be or do.
        where: File and number of each row, `(batch,)` strings.
        rows: The row of each value.
        shown: What was received. Default: the values.
        fix: What to do about it, with what parts it from the place.
    """
    bad = tf.where(~tf.reshape(good, [-1]))[:1, 0]  # (0 or 1,)
    # Of the one bad value only: to write all as text takes longer than to parse them.
    place = tf.gather(where, tf.gather(tf.reshape(rows, [-1]), bad))
    shown = tf.gather(tf.reshape(values if shown is None else shown, [-1]), bad)
    shown = shown if shown.dtype == tf.string else tf.strings.as_string(shown)
    if tf.is_tensor(name):
        name = tf.strings.reduce_join(tf.gather(name, bad))
    message = tf.strings.join(
        [
            *("`", name, f"` must {rule}. Received: ", name, "="),
            tf.strings.reduce_join(shown),
            " in ",
            tf.strings.reduce_join(place),
            fix,
        ]
    )
    check = tf.debugging.Assert(tf.equal(tf.size(bad), 0), [message])
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(values)
