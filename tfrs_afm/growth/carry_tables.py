"""The plan for the tables of a model."""

from typing import Any

import numpy as np

from tfrs_afm.embeddings.quotient_remainder_table import QuotientRemainderTable
from tfrs_afm.growth.carried_table import CarriedTable
from tfrs_afm.growth.copy import Copy
from tfrs_afm.growth.match_tables import match_tables
from tfrs_afm.growth.optimizer_state import OptimizerState
from tfrs_afm.growth.parts import Parts
from tfrs_afm.growth.table_match import TableMatch


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
