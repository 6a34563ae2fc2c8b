"""What each user did before each moment, without a look ahead."""

from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Histories(NamedTuple):
    """Earlier items of each event's user, newest first, and their ages.

    Attributes:
        items: For each event a list of item ids.
        ages: For each event a list as long, the days since each item. Positive.
    """

    items: list[list[int]]
    ages: list[list[float]]


_SECONDS_A_DAY = 86400.0


def histories(
    users: ArrayLike, items: ArrayLike, times: ArrayLike, liked: ArrayLike, length: int
) -> Histories:
    """Collects for each event the items that its user liked strictly before it.

    Events of one user at one timestamp do not see each other: which came first is not known, and
    a log that gives a whole page of ratings one timestamp would leak labels otherwise.

    Args:
        users: `(events,)` user of each event.
        items: `(events,)` integer item of each event.
        times: `(events,)` seconds.
        liked: `(events,)` bool, whether the event enters later histories.
        length: Most items in a history; the newest are kept. Positive.

    Returns:
        One history an event, in the order of the events. Newest first; items of one timestamp by
        ascending id, so the order of the input does not matter.

    Raises:
        ValueError: If `length` is not positive.

    Example:
        >>> histories([1, 1], [7, 8], [0, 86400], [True, True], 50)
        Histories(items=[[], [7]], ages=[[], [1.0]])
    """
    if length < 1:
        raise ValueError(f"`length` must be positive. Received: length={length}.")
    user, item, time, like = (np.asarray(column) for column in (users, items, times, liked))
    found = Histories([[] for _ in item], [[] for _ in item])
    order = np.lexsort((item, time, user)).tolist()
    for _, events in groupby(order, key=lambda event: user[event]):
        past: list[tuple[int, float]] = []  # (item, seconds), newest first
        for now, same in groupby(events, key=lambda event: time[event]):
            together = list(same)
            for event in together:
                found.items[event].extend(past_item for past_item, _ in past)
                found.ages[event].extend(float(now - then) / _SECONDS_A_DAY for _, then in past)
            past = [(int(item[event]), now) for event in together if like[event]] + past
            del past[length:]
    return found
