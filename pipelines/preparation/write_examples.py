"""Writes examples as sharded TFRecord."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.preparation.feature import Feature


def write_examples(
    rows: Iterable[Mapping[str, Any]],
    features: Mapping[str, Feature],
    folder: Path,
    part: str,
    num_shards: int,
) -> tuple[str, ...]:
    """Writes rows as `tf.Example` into `<part>-00000-of-0000N.tfrecord`.

    Rows are dealt out in turn, so every shard covers the whole time, and reading the shards in
    turn gives the order of the rows back.

    Args:
        rows: Feature name -> value, or list of values of a variable feature. A value of None is
            left out of the example, and so is an empty list.
        features: The features to write, by name.
        folder: An existing folder.
        part: First word of the file names.
        num_shards: Number of files. Positive.

    Returns:
        The names of the files.

    Raises:
        ValueError: If `num_shards` is not positive, or a value does not fit its feature; the
            feature and the row are named.
    """
    if num_shards < 1:
        raise ValueError(f"`num_shards` must be positive. Received: num_shards={num_shards}.")
    names = tuple(f"{part}-{n:05d}-of-{num_shards:05d}.tfrecord" for n in range(num_shards))
    with contextlib.ExitStack() as stack:
        shards = [stack.enter_context(tf.io.TFRecordWriter(str(folder / name))) for name in names]
        for number, row in enumerate(rows):
            shards[number % num_shards].write(_serialized(row, features, number))
    return names


def _serialized(row: Mapping[str, Any], features: Mapping[str, Feature], number: int) -> bytes:
    example = tf.train.Example()
    for name, feature in features.items():
        value = row[name]
        if value is None or (feature.kind == "variable" and not value):
            continue
        values = value if feature.kind == "variable" else [value]
        target = example.features.feature[name]
        try:
            if feature.dtype == "int64":
                target.int64_list.value.extend(values)
            elif feature.dtype == "float32":
                target.float_list.value.extend(values)
            else:
                target.bytes_list.value.extend(text.encode() for text in values)
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"`{name}` must be {feature.dtype} in every row. "
                f"Received: {name}={value!r} in row {number}."
            ) from error
    return bytes(example.SerializeToString(deterministic=True))
