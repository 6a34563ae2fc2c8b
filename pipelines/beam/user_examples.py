"""One user's events to examples."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipelines.beam.draw_negatives import draw_negatives
from pipelines.beam.event_settings import EventSettings
from pipelines.beam.parse_event import LABEL, Event
from pipelines.preparation.histories import histories


def user_examples(
    events: Sequence[Event], settings: EventSettings, candidates: tuple[list[Any], list[str]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Makes the examples of a user: one an event, with its history, and the drawn negatives.

    Args:
        events: All events of one user, sorted.
        settings: What examples to make.
        candidates: Items of the training part, ascending, and as many texts, the JSON of their
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
