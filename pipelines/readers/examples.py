"""TFRecord of `tf.Example` and of `tf.SequenceExample`."""

import contextlib
import itertools
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.readers.bad_rows import missing_column, read_error
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.example_types import as_wanted, as_written, finite, number_of_words
from pipelines.readers.formats import FormatOptions
from pipelines.readers.targets import targets
from pipelines.readers.values import plain_value

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
            raise _damaged(path, error, number) from error
        if not number:
            raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")

    def row(self, record: bytes) -> dict[str, Any]:
        """Decodes one example."""
        example = self.example(record)
        row: dict[str, Any] = {}
        if self._sequence:
            row |= _values(example.context.feature)
            for name, steps in example.feature_lists.feature_list.items():
                lists = [_list(name, step) for step in steps.feature]
                row[name] = [value for values in lists for value in values]
            return row
        return self.values(example)

    @staticmethod
    def values(example: Any) -> dict[str, Any]:
        """Returns the features of a `tf.Example`."""
        return _values(example.features.feature)

    def example(self, record: bytes) -> Any:
        """Decodes one example, its text still in bytes.

        Raises:
            ValueError: If it is none.
        """
        kind = tf.train.SequenceExample if self._sequence else tf.train.Example
        try:
            return kind.FromString(record)
        except Exception as error:
            if type(error).__name__ != "DecodeError":
                raise
            raise ValueError(f"A record must be a tf.{kind.__name__}. Received: {error}") from error


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


_READ = {int: tf.int64, float: tf.float32, str: tf.string}
_KINDS = {"bytes_list": str, "float_list": float, "int64_list": int}
_LOOKED_AT = 256  # records of the first file


def example_parser(
    first: Path, options: FormatOptions, spec: Mapping[str, Any], batch: BatchOptions
) -> Callable[[Any, Any], Any]:
    """Returns a function from serialized examples `(batch,)` and their places to a batch.

    Args:
        first: The first file. Its first records say whether label and weight are whole numbers,
            and what a `tf.SequenceExample` has as a list of steps.
        options: The format.
        spec: Feature name -> how to parse it.
        batch: Names of label and weight.

    Raises:
        ValueError: If the file cannot be read or has no label or weight.
    """
    kinds, lists = _look_at(first, options)
    wanted = [name for name in (batch.label, batch.weight) if name is not None]
    words = {str(batch.label): batch.label_values} if batch.label_values else {}
    fixes = "Write it as a number; for a label in words set label_values."
    for name in wanted:
        if name not in kinds:
            raise missing_column(name, first, sorted(kinds))
        if (kinds[name] is str) != (name in words):
            asked, fix = (
                ("text", "Leave label_values out.") if name in words else ("a number", fixes)
            )
            raise ValueError(
                f"`{name}` must be {asked}. Received: {kinds[name].__name__} in {first}. {fix}"
            )
    numbers = {name: tf.io.FixedLenFeature([], _READ[kinds[name]]) for name in wanted}

    sequence = options.format == "sequence_example"

    def read(records: Any, where: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return as_wanted(parsed(records, where, as_written(wanted, kinds)), wanted, where)

    def parsed(records: Any, where: Any, some: Mapping[str, Any]) -> dict[str, Any]:
        if not sequence:
            return tf.io.parse_example(records, some, example_names=where) if some else {}
        context = {name: feature for name, feature in some.items() if name not in lists}
        steps = {name: some[name] for name in lists if name in some}
        one, many, _ = tf.io.parse_sequence_example(records, context, steps, where)
        return {**one, **{name: _joined(value) for name, value in many.items()}}

    def parse(records: Any, where: Any) -> Any:
        if numbers.keys().isdisjoint(spec):
            found = read(records, where, {**spec, **numbers})
            features = {name: found[name] for name in spec}
        else:  # a column reads the label too, in another way
            found = read(records, where, numbers)
            features = read(records, where, spec)
        features = finite(features, where)
        label, weight = (found.get(name or "") for name in (batch.label, batch.weight))
        if words:
            label = number_of_words(label, batch.label_values, str(batch.label), where)
        return targets(features, label, weight, where, batch)

    return parse


def _look_at(first: Path, options: FormatOptions) -> tuple[dict[str, type], set[str]]:
    """Returns the type of each value, and the names of the lists of steps."""
    form = ExampleFormat(options)
    kinds: dict[str, type] = {}
    lists: set[str] = set()
    for _, record in itertools.islice(form.records(first), _LOOKED_AT):
        example = form.example(record)
        if options.format == "sequence_example":
            steps = example.feature_lists.feature_list
            lists.update(steps)
            found = [(name, one) for name, some in steps.items() for one in some.feature]
            found += example.context.feature.items()
        else:
            found = example.features.feature.items()
        for name, feature in found:
            kind = feature.WhichOneof("kind")
            if kind is not None and getattr(feature, kind).value:
                kinds[name] = _KINDS[kind]
    return kinds, lists


def _joined(steps: Any) -> Any:
    """Joins the values of the steps, `(batch, steps, values)`, to `(batch, values)`."""
    rows = tf.RaggedTensor.from_value_rowids(
        steps.values, steps.indices[:, 0], steps.dense_shape[0], validate=False
    )
    return rows.to_sparse()


@contextlib.contextmanager
def damage_named(files: Iterable[Path]) -> Iterator[None]:
    """Says which file and record is damaged, where TensorFlow's error in the block says neither.

    Args:
        files: The TFRecord files that the block reads. They are read again after an error.

    Raises:
        ValueError: If a record is not as it was written. It cannot be skipped as a bad row can:
            where the next one begins is not known.
    """
    try:
        yield
    except (tf.errors.DataLossError, ValueError) as error:
        lost = isinstance(error, tf.errors.DataLossError)
        if not lost and not isinstance(error.__cause__, tf.errors.DataLossError):
            raise
        damaged = next(filter(None, map(_damage, files)), None)
        if damaged is None:
            raise
        raise ValueError(str(damaged) if lost else f"{damaged} {error}") from error


def _damage(path: Path) -> ValueError | None:
    number = 0
    try:
        for block in tf.data.TFRecordDataset(str(path), record_compression(path)).batch(256):
            number += len(block)
    except tf.errors.DataLossError as error:
        return _damaged(path, error, number)
    return None


def _damaged(path: Path, error: Any, start: int) -> ValueError:
    """The error for a file with a fault somewhere behind its record `start`."""
    compression, number = record_compression(path), start
    if isinstance(error, tf.errors.OpError):
        with contextlib.suppress(tf.errors.OpError):
            for _ in tf.data.TFRecordDataset(str(path), compression).skip(start):
                number += 1
    return ValueError(
        f"`{path}` must be whole TFRecord{f', {compression}' if compression else ''}. "
        f"Received: a fault in record {number}: {_said(error)}. Make it again."
    )


def _said(error: Any) -> str:
    return read_error(error) if isinstance(error, tf.errors.OpError) else str(error)


_HEADER = struct.Struct("<QI")  # length of the record, its masked CRC
_FOOTER = 4  # the masked CRC of the record


def check_records(path: Path) -> int:
    """Walks through an uncompressed TFRecord file and counts its records.

    Only the headers are read, a few microseconds a record. TensorFlow itself takes an empty file
    for a data set without rows, and its error for a cut file names neither file nor record.

    Args:
        path: The file.

    Returns:
        Number of records, at least one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is empty or ends inside a record.
    """
    size = path.stat().st_size
    if not size:
        raise ValueError(f"`{path}` must hold records. Received: an empty file. Make it again.")
    number = end = 0
    with path.open("rb", buffering=0) as file:
        while end < size:
            file.seek(end)
            header = file.read(_HEADER.size)
            if len(header) == _HEADER.size:
                end += _HEADER.size + _HEADER.unpack(header)[0] + _FOOTER
            if len(header) < _HEADER.size or end > size:
                raise ValueError(
                    f"`{path}` must end with a whole record. "
                    f"Received: a file of {size} bytes cut inside record {number}. Make it again."
                )
            number += 1
    return number


_TYPES = {".gz": "GZIP", ".zlib": "ZLIB"}


def record_compression(path: Path) -> str:
    """Returns what `tf.data.TFRecordDataset` calls the compression that a file's name tells.

    Args:
        path: The file: `.gz`, `.zlib`, or anything else for none.

    Raises:
        ValueError: If TensorFlow cannot read that compression.

    Example:
        >>> record_compression(Path("train-00000-of-00001.tfrecord.gz"))
        'GZIP'
    """
    ending = path.suffix.lower()
    if ending in (".bz2", ".xz", ".lzma", ".zst"):
        raise ValueError(
            f"`{path}` must be compressed with gzip, as TensorFlow reads TFRecord. "
            f"Received: {ending}. Run: gzip"
        )
    return _TYPES.get(ending, "")
