"""MovieLens-1M as ranking: which film somebody likes next to 99 drawn ones."""

import collections
import functools
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic

from pipelines.configuration.section import Section
from pipelines.sources._repeated_rows import RepeatedRows
from pipelines.sources._settings_of import settings_of
from pipelines.sources.movielens_1m import movielens_1m
from pipelines.sources.source import Row

_LIKED = 4
_FEWEST = 5
_CANDIDATES = 99
_SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


class _Settings(Section):
    negatives: int = pydantic.Field(4, gt=0)
    """Drawn films beside each film of the training part."""
    seed: int = pydantic.Field(1, ge=0)
    """Decides the split and what is drawn."""


def movielens_1m_ranking(
    path: Path | None, settings: Mapping[str, Any]
) -> dict[str, Iterable[Row]]:
    """Reads MovieLens-1M as likes, dealt out for top-k ranking.

    Ratings of 4 and 5 are likes. Users with fewer than 5 of them are left out, then films with
    fewer than 5. Each user's likes are dealt out 60/20/20 by chance, without regard to time. In the
    training part a like is followed by `negatives` films drawn from those that the user's training
    part lacks. In the other two parts each user has one like, that with the smallest movie_id,
    and 99 films drawn from all but the user's likes of that part: films that the user likes in
    training may be among them, which makes the task harder than it need be.

    Args:
        path: As of `movielens_1m`.
        settings: `negatives` (4) and `seed` (1).

    Returns:
        The three parts with user_id, movie_id and label; group by user_id.

    Raises:
        ValueError: If a file or a setting is not as it must be.
    """
    chosen = settings_of(_Settings, settings)
    likes = _likes(movielens_1m(path, {})["train"])
    films = sorted({film for liked in likes.values() for film in liked})
    draw = random.Random(f"{chosen.seed} split")
    parts: dict[str, dict[int, list[int]]] = {part: {} for part in _SHARES}
    for user, liked in likes.items():
        draw.shuffle(liked)
        first = round(len(liked) * _SHARES["train"])
        second = round(len(liked) * (_SHARES["train"] + _SHARES["validation"]))
        cuts = (liked[:first], liked[first:second], liked[second:])
        for part, cut in zip(_SHARES, cuts, strict=True):
            parts[part][user] = sorted(cut)
    return {
        part: RepeatedRows(functools.partial(_rows, chosen, part, liked, films))
        for part, liked in parts.items()
    }


def _likes(rows: Iterable[Row]) -> dict[int, list[int]]:
    """User -> films, without rare users, and then without rare films."""
    likes: dict[int, list[int]] = collections.defaultdict(list)
    for row in rows:
        if row["rating"] >= _LIKED:
            likes[row["user_id"]].append(row["movie_id"])
    likes = {user: films for user, films in likes.items() if len(films) >= _FEWEST}
    counts = collections.Counter(film for films in likes.values() for film in films)
    kept = {
        user: [film for film in films if counts[film] >= _FEWEST] for user, films in likes.items()
    }
    return {user: films for user, films in kept.items() if len(films) >= len(_SHARES)}


def _rows(
    settings: _Settings, part: str, liked: dict[int, list[int]], films: list[int]
) -> Iterator[Row]:
    draw = random.Random(f"{settings.seed} {part}")
    count = settings.negatives if part == "train" else _CANDIDATES
    for user, its_films in liked.items():
        known = set(its_films)
        room = min(count, len(films) - len(known))
        for film in its_films if part == "train" else its_films[:1]:
            yield {"user_id": user, "movie_id": film, "label": 1.0}
            drawn: set[int] = set()
            while len(drawn) < room:
                other = draw.choice(films)
                if other not in known and other not in drawn:
                    drawn.add(other)
                    yield {"user_id": user, "movie_id": other, "label": 0.0}
