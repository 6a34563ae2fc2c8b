"""Rows on which the served model must answer as the trained one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from serving.exporting.feature_values import FeatureValues

_MAX_GIVEN = 16
_LENGTHS = (1, 3, 50, 0, 2, 7, 1, 5)
"""Lengths of lists, one row each: one, some, long, empty."""

_MISSING, _UNKNOWN = 3, 4
"""The row that lacks every optional feature, and the one with unknown values only."""


def golden_examples(
    values: Mapping[str, FeatureValues], given: Sequence[Any] | None = None
) -> list[Any]:
    """Makes the golden rows: some of the user's own, and what goes wrong elsewhere.

    Args:
        values: Values of each feature.
        given: `tf.train.Example`s or their bytes; the first 16 are taken.

    Returns:
        `tf.train.Example`s: with one, several, 50 and no members in a list, with missing optional
        features, and with values outside the vocabularies.

    Raises:
        TypeError: If `given` holds something else.
    """
    rows = [_example(one) for one in (given or ())[:_MAX_GIVEN]]
    generator = np.random.default_rng(7)  # any seed: the same export twice has the same rows
    for row, length in enumerate(_LENGTHS):
        example = tf.train.Example()
        for key, one in values.items():
            drawn = _draw(one, row, length, generator)
            if drawn:
                _fill(example.features.feature[key], drawn)
        rows.append(example)
    return rows


def _example(one: Any) -> Any:
    if isinstance(one, tf.train.Example):
        return one
    if not isinstance(one, bytes):
        raise TypeError(
            "`examples` must hold tf.train.Example or their bytes. Received: examples of "
            f"{type(one).__name__}. Read them with `tf.data.TFRecordDataset(...)` and `.numpy()`."
        )
    return tf.train.Example.FromString(one)


def _draw(one: FeatureValues, row: int, length: int, generator: Any) -> list[Any]:
    if row == _MISSING and not one.required:
        return []
    pool = list(one.unknown) if row == _UNKNOWN and one.unknown else list(one.known)
    if one.size is not None:
        count = one.size
    elif one.long:
        count = length
    else:
        count = 1
    return [pool[index] for index in generator.integers(len(pool), size=count)]


def _fill(feature: Any, values: list[Any]) -> None:
    if isinstance(values[0], str | bytes):
        texts = [value.encode() if isinstance(value, str) else value for value in values]
        feature.bytes_list.value.extend(texts)
    elif isinstance(values[0], float):
        feature.float_list.value.extend(values)
    else:
        feature.int64_list.value.extend(int(value) for value in values)
