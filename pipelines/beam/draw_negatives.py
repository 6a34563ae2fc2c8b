"""Items that a user did not choose."""

import hashlib
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import TypeVar

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
