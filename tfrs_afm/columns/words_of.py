"""The words of a vocabulary."""

import itertools
from typing import Any

import tensorflow as tf


def words_of(column: Any, lookup: Any = None) -> list[bytes] | list[int]:
    """Returns the words of a vocabulary column, each at the place of its row.

    Args:
        column: A categorical column with a vocabulary list or file, without wrappers.
        lookup: The lookup table that a model made of it, if there is one. It is asked before the
            file: the file may have been written again since the model read it.

    Returns:
        Bytes or integers, without the buckets for unknown words.

    Raises:
        ValueError: If the file has fewer lines than the column has words.
    """
    if hasattr(column, "vocabulary_list"):
        return [_word(word) for word in column.vocabulary_list]
    if lookup is not None:
        # With buckets for unknown words, the table of words is inside.
        keys, rows = getattr(lookup, "_table", lookup).export()
        return [_word(word) for word in keys.numpy()[rows.numpy().argsort()].tolist()]
    path, size = column.vocabulary_file, column.vocabulary_size
    if column.file_format == "tfrecord_gzip":
        lines = tf.data.TFRecordDataset(path, "GZIP").as_numpy_iterator()
    else:
        lines = tf.data.TextLineDataset(path).as_numpy_iterator()
    words = list(itertools.islice(lines, size))
    if len(words) < size:
        raise ValueError(
            f"`vocabulary_file` must have a line for each word. Received: vocabulary_file='{path}' "
            f"with {len(words)} lines for the {size} words of '{column.key}'. Give the column the "
            "file it was made with."
        )
    return [int(word) for word in words] if column.dtype.is_integer else words


def _word(word: Any) -> Any:
    return (
        word.encode() if isinstance(word, str) else word if isinstance(word, bytes) else int(word)
    )
