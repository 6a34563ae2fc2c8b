"""Files of any format as batches."""

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from pipelines.readers.bad_rows import BadRows, missing_column
from pipelines.readers.batch_options import BatchOptions, epoch_order
from pipelines.readers.blocks import Columns, TextBlocks
from pipelines.readers.example_batches import ExampleBatches
from pipelines.readers.formats import FormatOptions
from pipelines.readers.parcel import Parcel
from pipelines.readers.read_rows import choose_format
from pipelines.readers.targets import targets
from pipelines.readers.values import Wanted


class Batches:
    r"""Makes the data set of any epoch, from any batch on: `batches(epoch, skip)`.

    The order is a function of the seed and the number of the epoch, never of what ran before, so
    the number of the epoch and the batches taken are all that a resumed run must know. Rows are
    shuffled, not batches; what is skipped is not parsed.

    Args:
        files: The files of one split.
        options: How they are written.
        spec: Feature name -> `tf.io.FixedLenFeature` or `tf.io.VarLenFeature`, as
            `tfrs_afm.parse_spec(columns)` gives it. May hold more features than a model reads.
        batch: Label, weight, size, order and share of the worker.
        bad_rows: What becomes of a row that does not fit. Default: it is an error. To skip such
            rows, and for sequence examples always, records are parsed twice.
        num_batches: How many an epoch is expected to have, if that is known; for progress bars.

    Call arguments:
        epoch: Number of the epoch, from 0.
        skip: How many batches to leave out from the beginning.

    Returns:
        A `tf.data.Dataset` of `(features, labels)` or `(features, labels, weights)`, or without a
        label of `features`: name -> Tensor or SparseTensor, as `tf.io.parse_example` gives it;
        labels and weights `(batch, 1)` float32.

    Raises:
        ValueError: If there are no files, one is empty, damaged or lacks a column.
        tf.errors.InvalidArgumentError: While batches are taken, if a row is bad; it names the
            feature, the file and the line or record.

    Example:
        >>> import pathlib, tempfile
        >>> import tensorflow as tf
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "clicks.csv"
        >>> _ = path.write_text("user,clicked\n7,1\n8,0\n9,1\n")
        >>> spec = {"user": tf.io.FixedLenFeature([], tf.int64)}
        >>> one = BatchOptions("clicked", batch_size=2)
        >>> batches = Batches([path], FormatOptions("csv"), spec, one)
        >>> for features, labels in batches(epoch=0, skip=1):
        ...     print(features["user"].numpy(), labels.numpy())
        [9] [[1.]]
    """

    def __init__(
        self,
        files: Sequence[Path],
        options: FormatOptions,
        spec: Mapping[str, Any],
        batch: BatchOptions,
        bad_rows: BadRows | None = None,
        num_batches: int | None = None,
    ) -> None:
        self.num_batches = num_batches
        if not files:
            raise ValueError("`files` must not be empty. Received: files=[].")
        self.bad_rows = bad_rows or BadRows()
        self._records: list[Path] = []
        self._make: Callable[[int, int], Any]
        if options.format in ("tfrecord", "sequence_example"):
            self._records = list(files)
            self._make = ExampleBatches(files, options, spec, batch, self.bad_rows)
            return
        wanted = Wanted.of(spec, batch)
        form: Any = choose_format(options, files[0])
        for one in wanted:
            if form.names is not None and one.name not in form.names:
                raise missing_column(one.name, files[0], form.names)
        blocks: Blocks
        if options.format == "parquet":
            from pipelines.readers.parquet import ParquetBlocks

            blocks = ParquetBlocks(form, wanted, self.bad_rows)
        elif options.format == "csv":
            from pipelines.readers.csv_blocks import CsvBlocks

            blocks = CsvBlocks(form, wanted, self.bad_rows)
        else:
            blocks = TextBlocks(form, wanted, self.bad_rows)
        self._make = BlockBatches(files, blocks, wanted, batch)

    def __call__(self, epoch: int = 0, skip: int = 0) -> Any:
        """Returns the batches of an epoch without its first `skip`."""
        return self._make(epoch, skip)

    def __iter__(self) -> Iterator[Any]:
        """Yields the batches of epoch 0; a damaged record is a ValueError with file and record."""
        from pipelines.readers.examples import damage_named

        with damage_named(self._records):
            yield from self(0, 0)


_FILES_AT_ONCE = 16


class Blocks(Protocol):
    """Reads files in blocks of rows, of any type, and makes arrays of them."""

    def check(self, path: Path) -> None:
        """Looks whether a file can be read."""
        ...

    def read(self, path: Path, every: int, first: int) -> Iterator[Any]:
        """Yields every `every`-th row, from row `first` on, in blocks."""
        ...

    def join(self, blocks: Sequence[Any]) -> Any:
        """Puts blocks one after the other."""
        ...

    def take(self, block: Any, rows: Any) -> Any:
        """Returns some of a block's rows, by numbers or a slice."""
        ...

    def columns(self, block: Any) -> Columns:
        """Parses a block."""
        ...


class BlockBatches:
    """Batches of files that are read in blocks of rows.

    Args:
        files: The files.
        blocks: What reads them.
        wanted: What is read of each row.
        batch: Label, weight, size, order and share of the worker.
    """

    def __init__(
        self,
        files: Sequence[Path],
        blocks: Blocks,
        wanted: Sequence[Wanted],
        batch: BatchOptions,
    ) -> None:
        self._files = list(files)
        self._blocks = blocks
        self._batch = batch
        self._parcel = Parcel(wanted)
        for path in files:
            blocks.check(path)

    def __call__(self, epoch: int = 0, skip: int = 0) -> Any:
        """Returns the batches of an epoch without its first `skip`."""
        data = tf.data.Dataset.from_generator(
            lambda: self._arrays(epoch, skip), output_signature=self._parcel.signature
        )
        return data.map(self._tensors).prefetch(2)

    def _arrays(self, epoch: int, skip: int) -> Iterator[tuple[Any, ...]]:
        """Yields the flat arrays of each batch."""
        batch = self._batch
        order, by_row, seeds = epoch_order(len(self._files), batch, epoch)
        every, first = (batch.num_workers, batch.worker) if by_row else (1, 0)
        read = [lambda f=file: self._blocks.read(self._files[f], every, first) for file in order]
        blocks = _in_turn(read, _FILES_AT_ONCE if batch.shuffle_buffer else 1)
        empty = ""
        for rows in itertools.islice(self._batches(blocks, seeds), skip, None):
            if empty:
                raise ValueError(empty)
            columns = self._blocks.columns(rows)
            if not len(columns):
                # At the end of the files there may be a few bad rows alone; elsewhere the next
                # batch would take this one's number, and a resumed run would go astray.
                empty = f"A batch of {batch.batch_size} rows must not have bad rows only."
                continue
            yield self._parcel.pack(columns)

    def _batches(self, blocks: Iterable[Any], seeds: Sequence[int]) -> Iterator[Any]:
        """Cuts blocks into batches, shuffled within `shuffle_buffer` rows."""
        size, batch_size = self._batch.shuffle_buffer, self._batch.batch_size
        random = np.random.default_rng(seeds)
        pool: list[Any] = []
        rows = 0

        def drawn(*, last: bool) -> Iterator[Any]:
            nonlocal pool, rows
            joined = self._blocks.join(pool)
            if size:
                joined = self._blocks.take(joined, random.permutation(rows))
            end = rows if last else rows - rows % batch_size
            pool, rows = [self._blocks.take(joined, slice(end, rows))], rows - end
            for start in range(0, end, batch_size):
                yield self._blocks.take(joined, slice(start, min(start + batch_size, end)))

        for block in blocks:
            pool.append(block)
            rows += len(block)
            if rows >= max(size, batch_size):
                yield from drawn(last=False)
        if rows:
            yield from drawn(last=True)

    def _tensors(self, *arrays: Any) -> Any:
        found = self._parcel.unpack(arrays)
        label, weight = found.pop(Wanted.LABEL, None), found.pop(Wanted.WEIGHT, None)
        nowhere = tf.constant([""])  # bad labels were found in Python already
        return targets(found, label, weight, nowhere, self._batch)


def _in_turn(read: Sequence[Callable[[], Iterator[Any]]], at_once: int) -> Iterator[Any]:
    """Yields from several iterators in turn; one that ends makes room for the next."""
    waiting = collections.deque(read)
    active: collections.deque[Iterator[Any]] = collections.deque()
    while waiting or active:
        while waiting and len(active) < at_once:
            active.append(waiting.popleft()())
        current = active.popleft()
        for block in itertools.islice(current, 1):
            yield block
            active.append(current)
