"""The tables of two embedding layers, matched by their columns, and their rows carried over."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfrs_afm.columns.field import Field, columns_below
from tfrs_afm.embeddings.tables import QuotientRemainderTable
from tfrs_afm.growth.growth_report import CarriedTable
from tfrs_afm.growth.rows import IdSegment, id_segments, source_rows
from tfrs_afm.growth.source import Copy, Parts
from tfrs_afm.growth.variables import OptimizerState


class TableMatch(NamedTuple):
    """A new table and the old one its rows come from.

    Attributes:
        name: Name of the new table.
        source: Name of the old table; None where there is none.
        rows: `(rows of the new table,)` int64, the old row for each new one, -1 for none.
        note: Why there is no source, and what else there is to know.
    """

    name: str
    source: str | None
    rows: np.ndarray
    note: str = ""


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


def carry_tables(
    old: Parts, new: Parts, state: OptimizerState
) -> tuple[list[CarriedTable], list[Copy]]:
    """Plans what the tables of a new model take from those of an old one.

    Args:
        old: The parts of the model that was trained.
        new: Those of the model that is to go on.
        state: Their optimizers.

    Returns:
        What becomes of each table, and the copies that make it so.

    Raises:
        ValueError: If columns that share a table disagree where a row comes from.
        TypeError: If the kind of a column is unknown.
    """
    entries, copies = [], []
    done: set[int] = set()
    for place, layer in new.embeddings.items():
        before = _counterpart(place, old, new)
        matches = [] if before is None else match_tables(before, layer)
        found = {match.name: match for match in matches}
        for name, table in layer.tables.items():
            if id(table) in done:  # shared with a layer before this one
                continue
            done.add(id(table))
            nothing = TableMatch(name, None, np.full(table.rows, -1), "no such layer before")
            match = found.get(name, nothing)
            was = None if before is None else before.tables.get(match.source or name)
            if was is not None:
                done.add(id(was))
            made = [] if match.source is None else _copies(was, table, match.rows, state)
            copies += [copy for _, copy in made]
            slots = tuple(dict.fromkeys(slot for slot, _ in made if slot))
            entries.append(_entry(_name(place, name, new), match, was, slots))
    for place, layer in old.embeddings.items():
        for name, table in layer.tables.items():
            if id(table) not in done:
                done.add(id(table))
                note = "not in the new model"
                gone = CarriedTable(_name(place, name, old), 0, 0, table.rows, (), note)
                entries.append(gone)
    return entries, copies


def _counterpart(place: str, old: Parts, new: Parts) -> Any:
    """The old layer at the same place; a layer that is the only one may have moved."""
    if place not in old.embeddings and len(old.embeddings) == len(new.embeddings) == 1:
        return next(iter(old.embeddings.values()))
    return old.embeddings.get(place)


def _name(place: str, name: str, parts: Parts) -> str:
    return name if len(parts.embeddings) == 1 else f"{place}/{name}"


def _copies(old: Any, new: Any, rows: np.ndarray, state: OptimizerState) -> list[tuple[str, Copy]]:
    """The copies of a table and its slots, each with the name of its slot, "" for the table."""
    if isinstance(new, QuotientRemainderTable):
        quotients = np.arange(new.quotients.shape[0])
        quotients[quotients >= old.quotients.shape[0]] = -1
        pairs = [(old.quotients, new.quotients, quotients), (old.remainders, new.remainders, None)]
    else:
        pairs = [(old.embedding_weights, new.embedding_weights, rows)]
    made = []
    for was, now, chosen in pairs:
        made.append(("", Copy(was, now, chosen)))
        for slot, (before, after) in state.slots(was, now).items():
            made.append((slot, Copy(before, after, chosen)))
    return made


def _entry(name: str, match: TableMatch, old: Any, slots: tuple[str, ...]) -> CarriedTable:
    taken = match.rows[match.rows >= 0]
    dropped = 0 if old is None else old.rows - len(np.unique(taken))
    new = len(match.rows) - len(taken)
    return CarriedTable(name, len(taken), new, dropped, slots, match.note)
