"""Examples to the TFRecord files of several splits at once."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.preparation.feature_spec import Feature, FeatureSpec
from pipelines.readers.values import is_nan


class PartWriters:
    """Writes rows to `<part>-00000-of-0000N.tfrecord`, and counts them.

    Made by `PartWriters.open`.

    Args:
        features: The features to write, by name.
        label: The label among them.
        shards: Split -> the writers of its files.
        names: Split -> the names of its files.
    """

    def __init__(
        self,
        features: Mapping[str, Feature],
        label: str,
        shards: Mapping[str, Sequence[Any]],
        names: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._features, self._label, self._shards, self._names = features, label, shards, names
        self._examples = dict.fromkeys(shards, 0)
        self._positives: dict[str, int | None] = dict.fromkeys(shards, 0)

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        features: Mapping[str, Feature],
        label: str,
        parts: Sequence[str],
        num_shards: int,
        folder: Path,
    ) -> Iterator["PartWriters"]:
        """Opens the files of all splits, and closes them at the end of the block.

        Of a split with fewer rows than files, only files that got a row stay.

        Args:
            features: The features to write, by name.
            label: The label among them.
            parts: First words of the file names.
            num_shards: Files a split.
            folder: An existing folder.

        Raises:
            OSError: If the disk is full, or does not take the files for another reason.
        """
        names = {
            part: tuple(f"{part}-{n:05d}-of-{num_shards:05d}.tfrecord" for n in range(num_shards))
            for part in parts
        }
        try:
            with contextlib.ExitStack() as stack:
                shards = {
                    part: [
                        stack.enter_context(tf.io.TFRecordWriter(str(folder / name)))
                        for name in files
                    ]
                    for part, files in names.items()
                }
                writers = cls(features, label, shards, names)
                yield writers
            for part, files in names.items():
                for name in files[writers._examples[part] :]:  # rows go to the files in turn
                    (folder / name).unlink()
        except tf.errors.OpError as error:
            raise OSError(
                f"`{folder.parent}` must have room for the examples. Received: {error.message} "
                "Make room, and prepare again; what was written is removed."
            ) from error

    def write(self, part: str, row: Mapping[str, Any]) -> None:
        """Writes a row into the next file of a split."""
        number = self._examples[part]
        shards = self._shards[part]
        place = f"row {number} of split {part}"
        shards[number % len(shards)].write(serialized_example(row, self._features, place))
        self._examples[part] = number + 1
        positives, label = self._positives[part], row[self._label]
        binary = positives is not None and label in (0.0, 1.0)
        if not is_nan(label):  # one that is missing weighs nothing
            self._positives[part] = (positives or 0) + int(label) if binary else None

    @property
    def count(self) -> int:
        """How many rows were written."""
        return sum(self._examples.values())

    def counted(self) -> dict[str, FeatureSpec.Part]:
        """Describes what was written, split by split.

        Raises:
            ValueError: If a split has no rows.
        """
        for part, count in self._examples.items():
            if not count:
                raise ValueError(
                    f"`data` must give rows to the split {part}. Received: none. Check its files, "
                    "the fractions of data.split, and what is skipped as bad."
                )
        return {
            part: FeatureSpec.Part(self._names[part][:count], count, self._positives[part])
            for part, count in self._examples.items()
        }


def serialized_example(
    row: Mapping[str, Any], features: Mapping[str, Feature], place: str
) -> bytes:
    """Writes a row as `tf.Example`; equal rows give equal bytes.

    Args:
        row: Feature name -> value, or list of values of a variable feature. A value of None is
            left out of the example, and so is an empty list.
        features: The features to write, by name.
        place: Where the row is from, for the error.

    Returns:
        The serialized example.

    Raises:
        ValueError: If a value does not fit its feature; the feature and the place are named.

    Example:
        >>> age = Feature("age", "int64", "fixed", "years")
        >>> serialized_example({"age": 24}, {"age": age}, "row 0")[-1]
        24
    """
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
                f"Received: {name}={value!r} in {place}."
            ) from error
    return bytes(example.SerializeToString(deterministic=True))
