"""TFRecord files to batches that a model trains on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.readers.check_records import check_records


def read_examples(
    files: Sequence[Path],
    parse_spec: Mapping[str, Any],
    label: str,
    batch_size: int,
    *,
    shuffle_buffer: int = 0,
    seed: int = 0,
) -> Any:
    """Returns a data set of `(features, labels)` batches, in an order that `seed` fixes.

    Rows are shuffled, not batches, and parsed a batch at a time, which is many times faster than
    row by row. Lists of any length stay `SparseTensor`s. Without shuffling the rows come in the
    order in which `write_examples` got them.

    Args:
        files: TFRecord files of `tf.Example`.
        parse_spec: Feature name -> `tf.io.FixedLenFeature` or `tf.io.VarLenFeature`, as
            `tfrs_afm.parse_spec(columns)` gives it. May hold more features than a model reads.
        label: Name of the label, an integer 0 or 1 that each example must have.
        batch_size: Rows a batch; the last one may be smaller. Positive.
        shuffle_buffer: Rows among which the next is drawn; the more, the better mixed. At least
            the number of rows for a full shuffle; 0 keeps the order. Each epoch is another.
        seed: Decides the order.

    Returns:
        A `tf.data.Dataset` of `({name: Tensor or SparseTensor}, labels (batch, 1) float32)`.

    Raises:
        ValueError: If there are no files, or one is empty or cut off. A value of the wrong type
            is found while reading, by a `tf.errors.InvalidArgumentError` that names the feature
            and, as `Name`, the file and the record, counted from 0.

    Example:
        >>> import pathlib, tempfile
        >>> from pipelines.preparation.feature import Feature
        >>> from pipelines.preparation.write_examples import write_examples
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> fields = {"label": Feature("label", "int64", "fixed", "clicked")}
        >>> names = write_examples([{"label": 1}], fields, folder, "train", 1)
        >>> for features, labels in read_examples([folder / names[0]], {}, "label", 8):
        ...     print(features, labels.numpy().tolist())
        {} [[1.0]]
    """
    if not files:
        raise ValueError("`files` must not be empty. Received: files=[].")
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be positive. Received: batch_size={batch_size}.")
    for path in files:
        check_records(path)
    names = tf.constant([str(path) for path in files])
    spec = {**parse_spec, label: tf.io.FixedLenFeature([], tf.int64)}

    def records(file: Any) -> Any:
        numbered = tf.data.TFRecordDataset(names[file]).enumerate()
        return numbered.map(lambda record, example: (file, record, example))

    def parse(file: Any, record: Any, examples: Any) -> tuple[Any, Any]:
        # Only an error shows these; made a batch at a time they cost next to nothing.
        where = tf.strings.join([tf.gather(names, file), " record ", tf.strings.as_string(record)])
        features = tf.io.parse_example(examples, spec, example_names=where)
        labels = features.pop(label)
        return features, tf.cast(labels, tf.float32)[:, tf.newaxis]

    # One record a file in turn is how the rows were dealt out.
    cycle = min(len(files), 64)
    rows = tf.data.Dataset.range(len(files)).interleave(records, cycle, block_length=1)
    if shuffle_buffer:
        rows = rows.shuffle(shuffle_buffer, seed=seed, reshuffle_each_iteration=True)
    return rows.batch(batch_size).map(parse).prefetch(2)
