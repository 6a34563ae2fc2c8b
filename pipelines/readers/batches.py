"""Files of any format as batches."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.readers.bad_rows import BadRows
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.block_batches import BlockBatches, Blocks
from pipelines.readers.choose_format import choose_format
from pipelines.readers.example_batches import ExampleBatches
from pipelines.readers.format_options import FormatOptions
from pipelines.readers.missing_column import missing_column
from pipelines.readers.text_blocks import TextBlocks
from pipelines.readers.wanted import Wanted


class Batches:
    r"""Makes the data set of any epoch, from any batch on: `batches(epoch, skip)`.

    The order is a function of the seed and the number of the epoch, never of what ran before, so
    the number of the epoch and the batches taken are all that a resumed run must know. Rows are
    shuffled, not batches; what is skipped is not parsed.

    Args:
        files: The files of one part.
        options: How they are written.
        spec: Feature name -> `tf.io.FixedLenFeature` or `tf.io.VarLenFeature`, as
            `tfrs_afm.parse_spec(columns)` gives it. May hold more features than a model reads.
        batch: Label, weight, size, order and share of the worker.
        bad_rows: What becomes of a row that does not fit. Default: it is an error. To skip such
            rows, and for sequence examples always, records are parsed twice.

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
    ) -> None:
        if not files:
            raise ValueError("`files` must not be empty. Received: files=[].")
        self.bad_rows = bad_rows or BadRows()
        self._make: Callable[[int, int], Any]
        if options.format in ("tfrecord", "sequence_example"):
            self._make = ExampleBatches(files, options, spec, batch, self.bad_rows)
            return
        wanted = Wanted.of(spec, batch)
        form: Any = choose_format(options, files[0])
        for one in wanted:
            if form.names is not None and one.name not in form.names:
                raise missing_column(one.name, files[0], form.names)
        blocks: Blocks
        if options.format == "parquet":
            from pipelines.readers.parquet_blocks import ParquetBlocks

            blocks = ParquetBlocks(form, wanted, self.bad_rows)
        else:
            text = options.format == "csv"
            blocks = TextBlocks(form, wanted, self.bad_rows, from_text=text)
        self._make = BlockBatches(files, blocks, wanted, batch)

    def __call__(self, epoch: int = 0, skip: int = 0) -> Any:
        """Returns the batches of an epoch without its first `skip`."""
        return self._make(epoch, skip)
