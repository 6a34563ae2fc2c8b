"""The tables of two embedding layers, matched by their columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrs_afm.columns.columns_below import columns_below
from tfrs_afm.columns.field import Field
from tfrs_afm.embeddings.quotient_remainder_table import QuotientRemainderTable
from tfrs_afm.growth.id_segment import IdSegment
from tfrs_afm.growth.id_segments import id_segments
from tfrs_afm.growth.source_rows import source_rows
from tfrs_afm.growth.table_match import TableMatch


def match_tables(old: Any, new: Any) -> list[TableMatch]:
    """Finds where the rows of each table of a new embedding layer come from.

    A table belongs to the columns that look it up, and columns are the same if their names are.

    Args:
        old: The embedding layer that was trained.
        new: The one that is to go on.

    Returns:
        One match for each table of `new`.

    Raises:
        ValueError: If columns that share a table disagree where a row comes from.
        TypeError: If the kind of a column is unknown.
    """
    before = {field.name: field for field in old.fields}
    return [_match(name, old, new, before) for name in new.tables]


def _match(name: str, old: Any, new: Any, before: dict[str, Field]) -> TableMatch:
    table = new.tables[name]
    fields = [field for field in new.fields if name in (field.table.name, f"{field.name}/linear")]
    nothing = np.full(table.rows, -1, np.int64)
    known = [(before[field.name], field) for field in fields if field.name in before]
    if not known:
        return TableMatch(name, None, nothing, "no column of it in the old model")
    vectors = any(field.table.name == name for field in fields)
    sources = {field.table.name if vectors else f"{field.name}/linear" for field, _ in known}
    if len(sources) > 1:
        return TableMatch(name, None, nothing, f"its columns had a table each: {sorted(sources)}")
    (source,) = sources
    if source not in old.tables:
        return TableMatch(name, None, nothing, "the old model had no linear weights")
    reason = _misfit(old.tables[source], table)
    if reason:
        return TableMatch(name, None, nothing, reason)
    ids = [(id_segments(was, old.words), id_segments(field, new.words)) for was, field in known]
    maps = [source_rows(*segments) for segments in ids]
    first = known[0][1]
    for (_, field), others in zip(known, maps, strict=True):
        _refuse_conflict(name, first, maps[0], field, others)
    rows = maps[0]
    if (rows < 0).all():
        return TableMatch(name, None, nothing, _other_meaning(*ids[0]))
    notes = [_note(*fields, *segments) for fields, segments in zip(known, ids, strict=True)]
    if isinstance(table, QuotientRemainderTable):
        both = min(table.rows, old.tables[source].rows)
        if (rows[:both] != np.arange(both)).any():
            reason = "ids moved: a compositional table can only grow at its end"
            return TableMatch(name, None, nothing, reason)
    if source != name:
        notes.insert(0, f"from '{source}'")
    return TableMatch(name, source, rows, "; ".join(dict.fromkeys(filter(None, notes))))


def _misfit(old: Any, new: Any) -> str:
    """Why rows of one table cannot stand in the other, whatever their ids."""
    if old.dim != new.dim:
        return f"rows of {new.dim} numbers, were {old.dim}"
    if type(old) is not type(new):
        return f"a {type(new).__name__}, was a {type(old).__name__}"
    if isinstance(new, QuotientRemainderTable):
        now, was = (new.num_remainders, new.operation), (old.num_remainders, old.operation)
        if now != was:
            return f"num_remainders and operation {now}, were {was}: give the table the old ones"
    return ""


def _refuse_conflict(
    name: str, first: Field, rows: np.ndarray, field: Field, others: np.ndarray
) -> None:
    differ = np.flatnonzero(rows != others)
    if len(differ):
        row = int(differ[0])
        raise ValueError(
            "`columns` that share a table must agree in the ids of its rows. Received: table "
            f"'{name}' whose row {row} was row {rows[row]} for field '{first.name}' and row "
            f"{others[row]} for field '{field.name}' (-1: none). Give the columns one vocabulary, "
            "or each its own table."
        )


def _meanings(segments: Sequence[IdSegment]) -> str:
    return " and ".join(segment.meaning for segment in segments)


def _other_meaning(old: Sequence[IdSegment], new: Sequence[IdSegment]) -> str:
    now, was = _meanings(new), _meanings(old)
    if now != was:
        return f"{now}, were {was}"
    return f"{now}, but {'the row numbers that it hashes moved' if new[0].parts else 'all new'}"


def _note(was: Field, field: Field, old: Sequence[IdSegment], new: Sequence[IdSegment]) -> str:
    """What the rows alone do not tell."""
    notes = []
    lost = [now.meaning for now in new if now.meaning not in {one.meaning for one in old}]
    if lost:
        notes.append(f"{' and '.join(lost)} new: were {_meanings(old)}")
    before, after = _unknown(was, old), _unknown(field, new)
    if before != after:
        notes.append(f"unknown ids take the row of {after!r}, took that of {before!r}")
    if any(
        getattr(part, "normalizer_fn", None) is not None for part in columns_below(field.column)
    ):
        notes.append("check that its normalizer_fn is the same")
    return "; ".join(notes)


def _unknown(field: Field, segments: Sequence[IdSegment]) -> Any:
    """The id whose row unknown ids take; None if they have none."""
    for column in columns_below(field.column):
        default = getattr(column, "default_value", None)
        if hasattr(column, "num_buckets") and isinstance(default, int) and default >= 0:
            return segments[0].ids[default]
    return None
