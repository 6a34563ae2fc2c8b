"""TFRecord files to batches of features and labels."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.parse_spec import parse_spec


def read_tfrecord(
    paths: Sequence[str],
    columns: Sequence[Any],
    label: str,
    batch_size: int = 1024,
    *,
    label_dtype: Any = tf.float32,
    sample_weight: str | None = None,
    shuffle: int = 0,
    seed: int = 0,
) -> Any:
    """Reads files of `tf.Example` into what `fit` takes.

    Rows are shuffled and batched as bytes, and each batch is parsed at once: about twenty times as
    fast as parsing row by row. The data engine around it (caches, sharding over workers, bad rows)
    is that of `tf.data`; `pipelines` has more.

    Args:
        paths: TFRecord files, plain or, by the ending `.gz`, compressed.
        columns: Feature columns; only what they read is parsed.
        label: Name of the label, one number an example.
        batch_size: Examples in a batch.
        label_dtype: Type of the label in the files, `tf.float32` or `tf.int64`.
        sample_weight: Name of the loss weight, one float an example. Default: none.
        shuffle: Rows to shuffle among. Default: no shuffling.
        seed: Seed of the order, which differs from epoch to epoch.

    Returns:
        A `tf.data.Dataset` of `(features, label)` or `(features, label, sample_weight)`.

    Raises:
        ValueError: If there are no paths, or the label is also a feature of the columns.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> age = tf.feature_column.numeric_column("age")
        >>> data = tfrs_afm.read_tfrecord(["train.tfrecord"], [age], label="clicked")
        >>> data.element_spec[1].shape
        TensorShape([None, 1])
    """
    paths = list(paths)
    if not paths:
        raise ValueError("`paths` must hold files. Received: paths=[]. Pass the TFRecord files.")
    spec = parse_spec(columns)
    outputs = [name for name in (label, sample_weight) if name is not None]
    for name in outputs:
        if name in spec:
            raise ValueError(
                f"`label` and `sample_weight` must not be features. Received: '{name}', which a "
                "column reads. Drop the column: it would give the answer away."
            )
        spec[name] = tf.io.FixedLenFeature([1], label_dtype if name == label else tf.float32)

    def parse(batch: Any) -> Any:
        features = tf.io.parse_example(batch, spec)
        return (features, *(features.pop(name) for name in outputs))

    compression = "GZIP" if paths[0].endswith(".gz") else ""
    records = tf.data.TFRecordDataset(paths, compression)
    if shuffle:
        records = records.shuffle(shuffle, seed, reshuffle_each_iteration=True)
    batches = records.batch(batch_size).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    return batches.prefetch(tf.data.AUTOTUNE)
