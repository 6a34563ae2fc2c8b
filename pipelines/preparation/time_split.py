"""Where a log is cut into training, validation and test part."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def time_split(times: ArrayLike, fractions: Sequence[float]) -> list[int]:
    """Returns the timestamps at which all parts but the first begin.

    The cut is by time over all users, as in use: a model learns from the past and meets the
    future. Events of one timestamp fall in one part, so the parts are only about as large as asked.

    Args:
        times: `(events,)` integers.
        fractions: Share of each part, oldest first; they sum to one.

    Returns:
        One start less than there are parts. Event `e` is in part
        `numpy.searchsorted(starts, times[e], side="right")`.

    Raises:
        ValueError: If a part would have no events, or the fractions do not sum to one.

    Example:
        >>> time_split(range(10), [0.8, 0.1, 0.1])
        [8, 9]
    """
    if min(fractions) <= 0 or not np.isclose(sum(fractions), 1.0):
        raise ValueError(
            f"`fractions` must be positive and sum to one. Received: fractions={list(fractions)}."
        )
    ordered = np.sort(np.asarray(times)).tolist()
    starts: list[int] = []
    for share in list(itertools.accumulate(fractions))[:-1]:
        # Rounded first: 0.7 + 0.1 of ten events is 7.999..., and means eight.
        starts += ordered[int(round(share * len(ordered), 6)) :][:1]
    edges = [*ordered[:1], *starts]
    if len(set(edges)) != len(fractions):
        raise ValueError(
            f"`times` must differ enough for {len(fractions)} parts with events in each. "
            f"Received: {len(ordered)} events at {len(set(ordered))} different times. "
            "Give a longer log."
        )
    return starts
