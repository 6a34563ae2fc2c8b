"""Which part each row of a log falls in."""

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from pipelines.configuration.split import Split
from pipelines.preparation.time_split import time_split

PARTS = ("train", "validation", "test")


def deal_rows(rows: Iterable[Mapping[str, Any]], split: Split, group: str | None) -> Iterator[str]:
    """Yields the part of each row, in the order of the rows.

    Args:
        rows: The rows. Gone through before the first part is given, but for a random split.
        split: How.
        group: What leave-last-out goes by.

    Yields:
        "train", "validation" or "test".

    Raises:
        ValueError: If a row lacks what it is split by, or a part would be empty.

    Example:
        >>> rows = [{"user": 1, "at": at} for at in (5, 9, 7)]
        >>> list(deal_rows(rows, Split(by="group", column="at"), "user"))
        ['train', 'test', 'validation']
    """
    if split.by == "random":
        draw, (train, validation, _) = random.Random(split.seed), split.fractions
        for _ in rows:
            share = draw.random()
            yield PARTS[(share >= train) + (share >= train + validation)]
    elif split.by == "column":
        for number, row in enumerate(rows):
            yield _part(_one(row.get(str(split.column))), split, number)
    elif split.by == "time":
        times = [_time(row, split, number) for number, row in enumerate(rows)]
        shares = [share for share in split.fractions if share]
        names = [part for part, share in zip(PARTS, split.fractions, strict=True) if share]
        starts = time_split(times, shares)
        for place in np.searchsorted(starts, times, side="right").tolist():
            yield names[place]
    else:
        yield from _last_out(rows, split, group)


def _last_out(rows: Iterable[Mapping[str, Any]], split: Split, group: str | None) -> Iterator[str]:
    if group is None:
        raise ValueError("`data.group` must be given with split.by = 'group'. Received: nothing.")
    places: dict[Any, list[tuple[float, int]]] = {}
    count = 0
    for number, row in enumerate(rows):
        time = number if split.column is None else _time(row, split, number)
        places.setdefault(_one(row[group]), []).append((time, number))
        count += 1
    parts = [PARTS[0]] * count
    for events in places.values():
        if len(events) > 2:  # otherwise nothing of the group would be trained on
            *_, (_, before), (_, last) = sorted(events)
            parts[before], parts[last] = PARTS[1], PARTS[2]
    yield from parts


def _one(value: Any) -> Any:
    """The value of a feature that a categorical column reads as a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _time(row: Mapping[str, Any], split: Split, number: int) -> float:
    value = _one(row.get(str(split.column)))
    if not isinstance(value, int | float):
        raise ValueError(
            f"`{split.column}` must be a number in each row to split by it. "
            f"Received: {split.column}={value!r} in row {number}."
        )
    return value


def _part(value: Any, split: Split, number: int) -> str:
    if value not in PARTS:
        raise ValueError(
            f"`{split.column}` must be one of {', '.join(PARTS)}. "
            f"Received: {split.column}={value!r} in row {number}."
        )
    return str(value)
