"""Candidates for ranking where the data have none."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np


def sampled_candidates(
    positives: Iterable[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
    *,
    user: str,
    item: str,
    known: Mapping[Hashable, set[Any]],
    negatives: int = 99,
    seed: int = 1,
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Ranks each positive among items that its user has not used, drawn uniformly.

    Numbers of this protocol compare only with numbers of the same protocol: the fewer candidates,
    the better every model looks.

    Args:
        positives: Rows of features, each with the item that was used.
        items: The catalogue: the features of each item, its id among them. A candidate row is the
            positive's row with these in place of the item's own.
        user: The feature that holds the user's id.
        item: The feature that holds the item's id.
        known: User -> ids of the items that must not be drawn as negatives: what the user has used
            in any part, so that no unseen positive is called a negative.
        negatives: How many to draw for each positive, without repetition. Positive.
        seed: Decides the draw; the same rows in the same order get the same candidates.

    Yields:
        (group, label, row): the positive first, with label 1, then its negatives, with label 0.
        Groups are counted from 0.

    Raises:
        ValueError: If `negatives` is not positive or a user leaves too few items.

    Example:
        >>> films = [{"film": 1}, {"film": 2}, {"film": 3}]
        >>> found = sampled_candidates([{"user": 7, "film": 1}], films, user="user", item="film",
        ...     known={7: {1, 3}}, negatives=1)
        >>> list(found)
        [(0, 1, {'user': 7, 'film': 1}), (0, 0, {'user': 7, 'film': 2})]
    """
    if negatives < 1:
        raise ValueError(f"`negatives` must be positive. Received: negatives={negatives}.")
    draw = np.random.default_rng(seed)
    for group, row in enumerate(positives):
        yield group, 1, dict(row)
        out = known.get(row[user], set()) | {row[item]}
        left = [one for one in items if one[item] not in out]
        if len(left) < negatives:
            raise ValueError(
                f"`negatives` must leave every user enough items. Received: negatives={negatives}, "
                f"but {user}={row[user]} has {len(left)} unused items. Take fewer."
            )
        for place in draw.choice(len(left), negatives, replace=False):
            yield group, 0, {**row, **left[place]}
