"""Where a log is cut into parts, from counts of its times."""

import itertools
from collections.abc import Sequence

from pipelines.beam.value_counts import ValueCounts


def time_starts(times: ValueCounts, fractions: Sequence[float]) -> list[int]:
    """Returns the seconds at which all parts but the first begin, as `time_split` does.

    Args:
        times: The times of all events.
        fractions: Share of each part, oldest first.

    Returns:
        One start less than there are parts. An event at a start is in the later part.

    Raises:
        ValueError: If a part would have no events.

    Example:
        >>> times = ValueCounts(100)
        >>> for second in range(10):
        ...     times.add(second)
        >>> time_starts(times, [0.8, 0.1, 0.1])
        [8, 9]
    """
    if not times.total():
        raise ValueError("`files` must have rows. Received: none that is an event.")
    shares = list(itertools.accumulate(fractions))[:-1]
    # Rounded first: 0.7 + 0.1 of ten events is 7.999..., and means eight.
    starts = times.at([int(round(share * times.total(), 6)) for share in shares])
    if len({times.smallest(), *starts}) != len(fractions):
        raise ValueError(
            f"`time` must differ enough for {len(fractions)} parts with events in each. Received: "
            f"{times.total()} events at {times.distinct()} different times. Give a longer log."
        )
    return [int(start) for start in starts]
