"""Writes examples as sharded TFRecord."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.preparation.feature import Feature
from pipelines.preparation.serialized_example import serialized_example


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
            shards[number % num_shards].write(serialized_example(row, features, f"row {number}"))
    return names
