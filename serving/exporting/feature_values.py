"""Values that a feature may have, read from its columns."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

_DEFAULTS: dict[Any, list[Any]] = {tf.string: ["a", "b"], tf.int64: [0, 1]}

_SPREAD = 8
"""How many known values of a large vocabulary are enough."""


@dataclasses.dataclass(frozen=True)
class FeatureValues:
    """Values of one raw feature.

    Attributes:
        known: Values that its columns know.
        unknown: Values of its type that they do not, and take all the same; may be empty.
        long: Whether it comes as a list whose length matters.
        size: Numbers in an example; None for a list of any length.
        required: Whether an example without it is refused.
    """

    known: Sequence[Any]
    unknown: Sequence[Any]
    long: bool
    size: int | None
    required: bool


def feature_values(columns: Sequence[Any], spec: Mapping[str, Any]) -> dict[str, FeatureValues]:
    """Reads which values the features of some columns may have.

    Args:
        columns: Feature columns.
        spec: Their parse spec.

    Returns:
        Values by feature.
    """
    leaves: dict[str, list[tuple[Any, bool]]] = {key: [] for key in spec}
    for column in columns:
        _walk(column, leaves, long=False)
    return {key: _values(spec[key], leaves[key]) for key in sorted(spec)}


def _walk(column: Any, leaves: dict[str, list[tuple[Any, bool]]], *, long: bool) -> None:
    long = long or type(column).__name__.startswith(("Sequence", "Weighted"))
    for parent in column.parents:
        if isinstance(parent, str):
            leaves[parent].append((column, long))
        else:
            _walk(parent, leaves, long=long)
            if hasattr(column, "boundaries") and hasattr(parent, "key"):
                leaves[parent.key].append((column, long))


def _values(feature: Any, columns: list[tuple[Any, bool]]) -> FeatureValues:
    known: list[Any] = []
    unknown: list[Any] = []
    limit = min((column.number_buckets for column, _ in columns if _strict(column)), default=None)
    for column, _ in columns:
        some, others = _of_column(column)
        known += some
        unknown += others
    defaults = _DEFAULTS.get(feature.dtype, [0.5, 2.0])
    if feature.dtype != tf.string:  # bounds are floats, also those of a feature of integers
        kind = int if feature.dtype == tf.int64 else float
        known = [kind(value) for value in known]
    if limit is not None:
        known = [value for value in known if value < limit]
        unknown = []
    size = None
    if isinstance(feature, tf.io.FixedLenFeature):
        size = tf.TensorShape(feature.shape).num_elements()
    return FeatureValues(
        known or defaults,
        unknown,
        any(long for _, long in columns),
        size,
        size is not None and feature.default_value is None,
    )


def _strict(column: Any) -> bool:
    """Whether an id past the last bucket is an error."""
    return hasattr(column, "number_buckets") and column.default_value is None


def _of_column(column: Any) -> tuple[list[Any], list[Any]]:
    if hasattr(column, "number_buckets"):
        step = max(column.number_buckets // _SPREAD, 1)
        return [*range(0, column.number_buckets, step)], [column.number_buckets + 7]
    if hasattr(column, "vocabulary_list"):
        return _words(list(column.vocabulary_list[:_SPREAD]))
    if hasattr(column, "vocabulary_file"):
        with tf.io.gfile.GFile(column.vocabulary_file) as file:
            lines = [file.readline().rstrip("\n") for _ in range(_SPREAD)]
        lines = [line for line in lines if line]
        return _words(lines if column.dtype == tf.string else [int(line) for line in lines])
    if hasattr(column, "boundaries"):
        bounds = [float(bound) for bound in column.boundaries[:_SPREAD]]
        return [*bounds, bounds[-1] + 1.0], []
    return [], []


def _words(known: list[Any]) -> tuple[list[Any], list[Any]]:
    if known and isinstance(known[0], str | bytes):
        return known, ["not in the vocabulary"]
    return known, [int(max(known, default=0)) + 1_000_003]
