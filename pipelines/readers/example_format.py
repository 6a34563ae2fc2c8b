"""TFRecord of `tf.Example` and of `tf.SequenceExample`."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.readers.format_options import FormatOptions
from pipelines.readers.plain_value import plain_value
from pipelines.readers.record_compression import record_compression

_ANY_HEADER = zlib.MAX_WBITS + 32  # that of gzip or of zlib


class ExampleFormat:
    """TFRecord of `tf.Example`, or of `tf.SequenceExample`.

    An example knows lists only. A row has None for an empty one, the value itself for a list of
    one, and a list otherwise. The steps of a sequence are joined to one list.

    Args:
        options: The format.
    """

    unit = "record"
    names: tuple[str, ...] | None = None

    def __init__(self, options: FormatOptions) -> None:
        self._sequence = options.format == "sequence_example"

    def records(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yields the serialized examples."""
        compression = record_compression(path)
        if not path.stat().st_size:
            raise ValueError(f"`{path}` must hold rows. Received: an empty file. Make it again.")
        number = 0
        try:
            # One array of many records is much quicker to hand over than many records.
            data = tf.data.TFRecordDataset(str(path), compression).batch(256)
            for batch in data.as_numpy_iterator():
                yield from enumerate(batch.tolist(), start=number)
                number += len(batch)
            if compression:
                _check_end(path)
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, EOFError) as error:
            raise ValueError(
                f"`{path}` must be whole TFRecord{f', {compression}' if compression else ''}. "
                f"Received: a fault behind record {number}: {getattr(error, 'message', error)}. "
                "Make it again."
            ) from error
        if not number:
            raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")

    def row(self, record: bytes) -> dict[str, Any]:
        """Decodes one example."""
        kind = tf.train.SequenceExample if self._sequence else tf.train.Example
        try:
            example = kind.FromString(record)
        except Exception as error:
            if type(error).__name__ != "DecodeError":
                raise
            raise ValueError(f"A record must be a tf.{kind.__name__}. Received: {error}") from error
        row: dict[str, Any] = {}
        if self._sequence:
            row |= _values(example.context.feature)
            for name, steps in example.feature_lists.feature_list.items():
                lists = [_list(name, step) for step in steps.feature]
                row[name] = [value for values in lists for value in values]
            return row
        return _values(example.features.feature)


def _check_end(path: Path) -> None:
    """Unpacks a file again, for TensorFlow takes one cut off between two records for whole."""
    unpack = zlib.decompressobj(_ANY_HEADER)
    with path.open("rb") as file:
        while data := unpack.unused_data or file.read(1 << 20):
            if unpack.eof:  # one stream may follow another
                unpack = zlib.decompressobj(_ANY_HEADER)
            unpack.decompress(data)
    if not unpack.eof:
        raise EOFError("the packed data is cut off")


def _values(features: Any) -> dict[str, Any]:
    return {name: plain_value(_list(name, feature)) for name, feature in features.items()}


def _list(name: str, feature: Any) -> list[Any]:
    kind = feature.WhichOneof("kind")
    if kind is None:
        return []
    values = list(getattr(feature, kind).value)
    if kind != "bytes_list":
        return values
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError as error:
        raise ValueError(f"`{name}` must be UTF-8. Received: {error}") from error
