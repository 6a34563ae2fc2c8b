"""The view of sequence columns one by one."""

from typing import Any, NamedTuple


class SequenceFields(NamedTuple):
    """Embedded sequences by column name; each column has a length T of its own.

    Attributes:
        embeddings: Dict to `(batch, T, dim)` floats.
        lengths: Dict to `(batch,)` int64.
        masks: Dict to `(batch, T)` bool, True for a real id.
    """

    embeddings: Any
    lengths: Any
    masks: Any
