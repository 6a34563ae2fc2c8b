"""Which split each row of a log falls in."""

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.configuration.configuration import Split
from pipelines.fitting.statistics import ValueCounts
from pipelines.readers.times import Nanoseconds

PARTS = ("train", "validation", "test")


def assign_splits(
    rows: Iterable[Mapping[str, Any]], split: Split, group: str | None
) -> Iterator[str]:
    """Yields the part of each row, in the order of the rows.

    Args:
        rows: The rows. All are read before the first split is yielded, except with by="random" and
            by="column".
        split: How.
        group: What leave-last-out goes by.

    Yields:
        "train", "validation" or "test".

    Raises:
        ValueError: If a row lacks what it is split by, or a split would be empty.

    Example:
        >>> rows = [{"user": 1, "at": at} for at in (5, 9, 7)]
        >>> list(assign_splits(rows, Split(by="group", column="at"), "user"))
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
        times = _times(_time(row, split, number) for number, row in enumerate(rows))
        shares = [share for share in split.fractions if share]
        names = [part for part, share in zip(PARTS, split.fractions, strict=True) if share]
        starts = time_split(times, shares)
        exact = np.asarray(starts, times.dtype)
        for place in np.searchsorted(exact, times, side="right").tolist():
            yield names[place]
    else:
        yield from _last_out(rows, split, group)


def _last_out(rows: Iterable[Mapping[str, Any]], split: Split, group: str | None) -> Iterator[str]:
    if group is None:
        raise ValueError("`data.group` must be given with split.by = 'group'. Received: nothing.")
    places: dict[Any, list[tuple[Any, int]]] = {}
    count = 0
    for number, row in enumerate(rows):
        time = number if split.column is None else _time(row, split, number)
        places.setdefault(_one(row[group]), []).append((time, number))
        count += 1
    _require_one_kind({type(time) for events in places.values() for time, _ in events})
    parts = [PARTS[0]] * count
    for events in places.values():
        if len(events) > 2:  # otherwise nothing of the group would be trained on
            *_, (_, before), (_, last) = sorted(events)
            parts[before], parts[last] = PARTS[1], PARTS[2]
    yield from parts


def _one(value: Any) -> Any:
    """The value of a feature that a categorical column reads as a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _time(row: Mapping[str, Any], split: Split, number: int) -> Any:
    value = _one(row.get(str(split.column)))
    if not isinstance(value, int | float | Decimal):
        raise ValueError(
            f"`{split.column}` must be a number in each row to split by it. "
            f"Received: {split.column}={value!r} in row {number}."
        )
    return value


def _times(values: Iterable[Any]) -> NDArray[Any]:
    """Times as an array that holds them exactly.

    Raises:
        ValueError: If some are numbers and others dates, which do not compare.
    """
    times = list(values)
    kinds = set(map(type, times))
    _require_one_kind(kinds)
    return np.asarray(times) if len(kinds) == 1 and Decimal not in kinds else _objects(times)


def _require_one_kind(kinds: set[type]) -> None:
    if Nanoseconds in kinds and len(kinds) > 1:
        raise ValueError(
            "`data.split.column` must be numbers or times of ISO 8601. Received: both. Write all "
            "rows alike; 20240229 is a number, 2024-02-29 a date."
        )


def _objects(times: list[Any]) -> NDArray[Any]:
    made = np.empty(len(times), object)
    made[:] = times
    return made


def _part(value: Any, split: Split, number: int) -> str:
    if value not in PARTS:
        raise ValueError(
            f"`{split.column}` must be one of {', '.join(PARTS)}. "
            f"Received: {split.column}={value!r} in row {number}."
        )
    return str(value)


def time_split(times: ArrayLike, fractions: Sequence[float]) -> list[Any]:
    """Returns the timestamps at which all splits but the first begin.

    The cut is by time over all users, as in use: a model learns from the past and meets the
    future. Events of one timestamp fall in one split, so sizes are only about those asked for.

    Args:
        times: `(events,)` integers.
        fractions: Share of each split, oldest first; they sum to one.

    Returns:
        One start less than there are splits. Event `e` is in part
        `numpy.searchsorted(starts, times[e], side="right")`.

    Raises:
        ValueError: If a split would have no events, or the fractions do not sum to one.

    Example:
        >>> time_split(range(10), [0.8, 0.1, 0.1])
        [8, 9]
    """
    if min(fractions) <= 0 or not np.isclose(sum(fractions), 1.0):
        raise ValueError(
            f"`fractions` must be positive and sum to one. Received: fractions={list(fractions)}."
        )
    return time_starts(ValueCounts.of(times), fractions)


def time_starts(times: ValueCounts, fractions: Sequence[float]) -> list[Any]:
    """Returns the seconds at which all splits but the first begin, as `time_split` does.

    Args:
        times: The times of all events.
        fractions: Share of each split, oldest first.

    Returns:
        One start less than there are splits. An event at a start is in the later split.

    Raises:
        ValueError: If a split would have no events.

    Example:
        >>> times = ValueCounts(100)
        >>> for second in range(10):
        ...     times.add(second)
        >>> time_starts(times, [0.8, 0.1, 0.1])
        [8, 9]
    """
    if not times.total():
        raise ValueError("`times` must not be empty. Received: no events. Give rows that have one.")
    shares = list(itertools.accumulate(fractions))[:-1]
    # Rounded first: 0.7 + 0.1 of ten events is 7.999..., and means eight.
    starts = times.at([int(round(share * times.total(), 6)) for share in shares])
    if len({times.smallest(), *starts}) != len(fractions):
        raise ValueError(
            f"`times` must differ enough for {len(fractions)} splits with events in each. "
            f"Received: {times.total()} events at {times.distinct()} different times. "
            "Give a longer log."
        )
    return starts
