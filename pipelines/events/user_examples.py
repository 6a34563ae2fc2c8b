"""One user's events to examples, with history and sampled negatives."""

import hashlib
import json
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from pipelines.events.event import LABEL, Event
from pipelines.events.settings import EventSettings
from pipelines.fitting.histories import histories


def user_examples(
    events: Sequence[Event], settings: EventSettings, candidates: tuple[list[Any], list[str]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Makes the examples of a user: one an event, with its history, and the drawn negatives.

    Args:
        events: All events of one user, sorted.
        settings: What examples to make.
        candidates: Items of the training split, ascending, and as many texts, the JSON of their
            `settings.item_features`. Needed for negatives only.

    Yields:
        Time in seconds and row: feature name -> value. A negative has the moment, the history and
        the other features of its positive, and the item and `item_features` of its candidate.

    Example:
        >>> settings = EventSettings(
        ...     files=("log.csv",), format="csv", user="user", item="film", time="at",
        ...     features={name: EventSettings.Feature(dtype="int64") for name in ("user", "film")},
        ... )
        >>> events = [(0, 7, '{"film":7,"label":1,"user":3}')]
        >>> list(user_examples(events, settings, ([], [])))
        [(0, {'film': 7, 'label': 1, 'user': 3, 'history': [], 'history_age': []})]
    """
    rows: list[dict[str, Any]] = [json.loads(text) for _, _, text in events]
    liked = [row[LABEL] == 1 for row in rows]
    if settings.history:
        # Codes in the order of the items: histories() sorts by them, and takes numbers only.
        items, codes = np.unique([item for _, item, _ in events], return_inverse=True)
        names = items.tolist()
        times = np.asarray([time for time, _, _ in events], np.int64)
        past = histories(np.zeros(len(rows)), codes, times, liked, settings.history)
        for row, ids, ages in zip(rows, past.items, past.ages, strict=True):
            row["history"] = [names[code] for code in ids]
            row["history_age"] = ages
    pool, own = candidates
    positives = {item for (_, item, _), like in zip(events, liked, strict=True) if like}
    for (time, _, text), row, like in zip(events, rows, liked, strict=True):
        yield time, row
        if not (like and settings.negatives):
            continue
        for place in draw_negatives(text, positives, pool, settings.negatives, settings.seed):
            yield time, {**row, LABEL: 0, settings.item: pool[place], **json.loads(own[place])}


Item = TypeVar("Item", int, str)


def draw_negatives(
    row: str, positives: Iterable[Item], candidates: Sequence[Item], count: int, seed: int
) -> list[int]:
    """Draws distinct candidates, each equally likely, that are none of the user's positives.

    The draw is a function of its arguments alone, so any machine and any order of the rows give
    the same.

    Args:
        row: The row that the negatives are for; other rows have other negatives.
        positives: All items that the user chose, earlier or later.
        candidates: The items to draw from, ascending and distinct.
        count: How many to draw; where fewer are left, all of these.
        seed: Decides the draw, with `row`.

    Returns:
        Places in `candidates`, in the order of the draw.

    Example:
        >>> draw_negatives("row", ["a"], ["a", "b"], 4, seed=1)
        [1]
    """
    taken: list[int] = []
    for item in set(positives):
        place = bisect_left(candidates, item)
        if place < len(candidates) and candidates[place] == item:
            insort(taken, place)
    drawn: list[int] = []
    for number in range(min(count, len(candidates) - len(taken))):
        digest = hashlib.blake2b(f"{seed} {number} {row}".encode(), digest_size=16).digest()
        place = int.from_bytes(digest) % (len(candidates) - len(taken))
        # The place among those that are left becomes one among all. No draw is thrown away, so
        # a user who chose almost everything takes no longer.
        for other in taken:
            if other > place:
                break
            place += 1
        insort(taken, place)
        drawn.append(place)
    return drawn
