"""Where the rows of a table come from."""

from collections.abc import Hashable, Sequence

import numpy as np

from tfrs_afm.growth.id_segment import IdSegment


def source_rows(old: Sequence[IdSegment], new: Sequence[IdSegment]) -> np.ndarray:
    """Finds for each row of a new table the row of the old one with the same id.

    Args:
        old: What the rows of the old table stand for.
        new: What those of the new one stand for.

    Returns:
        `(rows of the new table,)` int64, -1 where the old table had no such id.
    """
    found = []
    for segment in new:
        rows = np.full(len(segment.ids), -1, np.int64)
        start = 0
        for other in old:
            if _same_meaning(other, segment):
                places = _places(other.ids, segment.ids)
                rows = np.where(places < 0, -1, places + start)
            start += len(other.ids)
        found.append(rows)
    return np.concatenate(found)


def _same_meaning(old: IdSegment, new: IdSegment) -> bool:
    return (
        old.meaning == new.meaning
        and len(old.parts) == len(new.parts)
        and all(map(_same_part, old.parts, new.parts))
    )


def _same_part(old: str | tuple[IdSegment, ...], new: str | tuple[IdSegment, ...]) -> bool:
    """Whether a cross hashes the same numbers for it: a column is crossed by its row numbers."""
    if isinstance(old, str) or isinstance(new, str):
        return old == new
    rows = source_rows(old, new)
    both = min(len(rows), sum(len(segment.ids) for segment in old))
    return bool((rows[:both] == np.arange(both)).all())


def _places(old: Sequence[Hashable], new: Sequence[Hashable]) -> np.ndarray:
    if isinstance(old, range) and isinstance(new, range):  # both count from 0
        rows = np.arange(len(new), dtype=np.int64)
        return np.where(rows < len(old), rows, -1)
    place = {value: index for index, value in enumerate(old)}
    return np.fromiter((place.get(value, -1) for value in new), np.int64, len(new))
