"""Fingerprints of vocabulary files."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from tfrs_afm.columns.columns_below import columns_below
from tfrs_afm.columns.field import Field


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
