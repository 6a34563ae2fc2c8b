"""The words of vocabularies, and their fingerprints."""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm._host import word_table
from tfrs_afm.columns.field import Field, columns_below
from tfrs_afm.types import Column


def words_of(column: Column, lookup: Any = None) -> list[bytes] | list[int]:
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
        keys, rows = word_table(lookup).export()
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


def vocabulary_hashes(
    fields: Sequence[Field], words: Callable[[Any], Sequence[Any]]
) -> dict[str, str]:
    """Fingerprints the vocabularies that columns read from files.

    A column's configuration holds the path of its file and not the words; with these a model that
    is loaded can tell whether they are still the same.

    Args:
        fields: Fields.
        words: Gives the words of a vocabulary column.

    Returns:
        SHA-256 of the words, by file and number of words.
    """
    files = {
        f"{column.vocabulary_file}, {column.vocabulary_size} words": column
        for field in fields
        for column in columns_below(field.column)
        if hasattr(column, "vocabulary_file")
    }
    hashes = {}
    for name, column in files.items():
        content = hashlib.sha256()
        for word in words(column):
            content.update(b"%d\n" % word if isinstance(word, int) else word + b"\n")
        hashes[name] = content.hexdigest()
    return hashes
