"""TFRecord files to batches, without a step of Python for each row."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.readers.bad_rows import LABEL_FIX, BadRows, InvalidRow, read_error
from pipelines.readers.batch_options import BatchOptions, epoch_order
from pipelines.readers.examples import check_records, example_parser, record_compression
from pipelines.readers.formats import FormatOptions

_BLOCK = 256  # records that travel together from a file to the shuffle
_FILES_AT_ONCE = 16


class ExampleBatches:
    """Batches of TFRecord files of `tf.Example` or `tf.SequenceExample`.

    Records are read, shuffled and put into batches as they are and parsed a batch at a time,
    which is many times faster than one by one.

    Args: As `Batches`.
    """

    def __init__(
        self,
        files: Sequence[Path],
        options: FormatOptions,
        spec: Mapping[str, Any],
        batch: BatchOptions,
        bad_rows: BadRows,
    ) -> None:
        self._batch = batch
        # TensorFlow's errors on sequence examples do not say which one it was.
        self._looks_at_each = bad_rows.on_bad_row == "skip" or options.format == "sequence_example"
        self._bad_rows = bad_rows
        self._files = list(files)
        self._names = tf.constant([str(path) for path in files])
        self._compressions = tf.constant([record_compression(path) for path in files])
        for path in files:
            # A compressed file shows only while it is read whether it is whole.
            if path.stat().st_size and record_compression(path):
                continue
            check_records(path)
        self._parse = example_parser(files[0], options, spec, batch)

    def __call__(self, epoch: int = 0, skip: int = 0) -> Any:
        """Returns the batches of an epoch without its first `skip`."""
        batch = self._batch
        order, by_row, seeds = epoch_order(len(self._files), batch, epoch)
        cycle = min(len(order), _FILES_AT_ONCE) if batch.shuffle_buffer else 1
        data = tf.data.Dataset.from_tensor_slices(np.array(order, np.int64)).interleave(
            lambda file: self._blocks(file, by_row=by_row), cycle_length=cycle, block_length=1
        )
        if batch.shuffle_buffer:
            data = data.rebatch(batch.shuffle_buffer).enumerate()
            # Not Dataset.shuffle: its order depends on the seed of the whole process as well.
            data = data.map(
                lambda block, rows: _shuffled(rows, [seeds[0] + block, seeds[1]])
            ).prefetch(1)
        data = data.rebatch(batch.batch_size).skip(skip)
        if self._looks_at_each:
            data = data.map(self._good).filter(lambda file, number, record: tf.size(record) > 0)
        return data.map(self._parsed).prefetch(2)

    def _blocks(self, file: Any, *, by_row: bool) -> Any:
        records = tf.data.TFRecordDataset(
            tf.gather(self._names, file), tf.gather(self._compressions, file)
        )
        every, first = (self._batch.num_workers, self._batch.worker) if by_row else (1, 0)
        if by_row:
            records = records.shard(every, first)

        def numbered(block: Any, some: Any) -> Any:
            places = block * _BLOCK + tf.range(tf.size(some, tf.int64))
            return tf.fill(tf.shape(some), file), places * every + first, some

        # Numbers are given to whole blocks: for each record they cost more than to parse it.
        return records.batch(_BLOCK).enumerate().map(numbered)

    def _where(self, file: Any, number: Any) -> Any:
        # Only an error shows these; made a batch at a time they cost next to nothing.
        names = tf.gather(self._names, file)
        return tf.strings.join([names, tf.strings.as_string(number)], separator=", record ")

    def _parsed(self, file: Any, number: Any, record: Any) -> Any:
        return self._parse(record, self._where(file, number))

    def _good(self, file: Any, number: Any, record: Any) -> Any:
        """Leaves out the bad rows of a batch, or says which row is bad."""
        mask = tf.py_function(self._mask, [file, number, record], tf.bool)
        mask.set_shape([None])
        return tuple(tf.boolean_mask(part, mask) for part in (file, number, record))

    def _mask(self, file: Any, number: Any, record: Any) -> Any:
        if _fault(self._parsed, file, number, record) is None:
            return np.ones(len(record), bool)
        mask = np.ones(len(record), bool)
        for row in range(len(record)):
            one = slice(row, row + 1)
            fault = _fault(self._parsed, file[one], number[one], record[one])
            if fault is not None:
                mask[row] = False
                path, place = self._files[int(file[row])], int(number[row])
                where = f"{path}, record {place}"
                fault, of_label, _ = fault.partition(f". {LABEL_FIX}")
                fault = fault.removesuffix(f" in {where}").removeprefix(f"Name: {where}, ")
                fault = fault.removesuffix(".")
                problem = InvalidRow(fault, LABEL_FIX) if of_label else fault
                self._bad_rows.add(path, place, problem, "record")
        if len(mask) == self._batch.batch_size and not mask.any():
            # The next batch would take its number, and a resumed run would go astray.
            raise ValueError(f"A batch of {len(mask)} rows must not have bad rows only.")
        return mask


def _shuffled(rows: Any, seeds: Any) -> Any:
    order = tf.random.experimental.stateless_shuffle(tf.range(tf.size(rows[0])), seeds)
    return tuple(tf.gather(part, order) for part in rows)


def _fault(parsed: Any, file: Any, number: Any, record: Any) -> str | None:
    try:
        parsed(file, number, record)
    except tf.errors.InvalidArgumentError as error:
        return read_error(error)
    return None
