"""MovieLens-1M: a million ratings of films."""

import collections
import dataclasses
import functools
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
from numpy.typing import NDArray

from pipelines.configuration.section import Section
from pipelines.sources.source import RepeatedRows, Row, cells_of, file_of, number_of, settings_of

_YEAR = re.compile(r"\((\d{4})\)$")


class _Settings(Section):
    drop_ratings: tuple[int, ...] = ()
    """Ratings that are left out."""


def movielens_1m(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    """Reads MovieLens-1M: each rating with its user and its film.

    Features: user_id, movie_id, rating, timestamp (where the file has it), gender, age, occupation
    (ids), zip (text), genres (a list), year.

    Args:
        path: Folder with `users.dat`, `movies.dat` and `ratings.dat`, or instead of the last
            `ratings_no_timestamp.csv` with `user,movie,rating`.
        settings: `drop_ratings`: ratings that are left out, as `[3]` of those who want to tell
            likes from dislikes.

    Returns:
        The split "train" alone: `data.split` splits it.

    Raises:
        ValueError: If a file or a setting is invalid.
    """
    dropped = frozenset(settings_of(_Settings, settings).drop_ratings)
    ratings = file_of(path, "movielens-1m", "ratings.dat", "ratings_no_timestamp.csv")
    users = _users(file_of(path, "movielens-1m", "users.dat"))
    films = _films(file_of(path, "movielens-1m", "movies.dat"))
    return {"train": RepeatedRows(lambda: _rows(ratings, users, films, dropped))}


def _users(file: Path) -> dict[int, Row]:
    users = {}
    for line, (user, gender, age, occupation, code) in cells_of(file, "::", 5):
        users[number_of("user_id", user, file, line)] = {
            "gender": gender,
            "age": number_of("age", age, file, line),
            "occupation": number_of("occupation", occupation, file, line),
            "zip": code,
        }
    return users


def _films(file: Path) -> dict[int, Row]:
    films: dict[int, Row] = {}
    for line, (film, title, genres) in cells_of(file, "::", 3, encoding="latin-1"):
        year = _YEAR.search(title)
        films[number_of("movie_id", film, file, line)] = {
            "genres": genres.split("|"),
            "year": int(year.group(1)) if year else None,
        }
    return films


def _rows(
    file: Path, users: dict[int, Row], films: dict[int, Row], dropped: frozenset[int]
) -> Iterator[Row]:
    timed = file.suffix == ".dat"
    names = ["user_id", "movie_id", "rating", *(["timestamp"] if timed else [])]
    for line, cells in cells_of(file, "::" if timed else ",", len(names)):
        row: Row = {
            name: number_of(name, cell, file, line) for name, cell in zip(names, cells, strict=True)
        }
        for name, known in (("user_id", users), ("movie_id", films)):
            if row[name] not in known:
                raise ValueError(
                    f"`{name}` must be known. Received: {name}={row[name]} in {file}, line {line}. "
                    "Get users.dat, movies.dat and the ratings of one release."
                )
        if row["rating"] not in dropped:
            yield row | users[row["user_id"]] | films[row["movie_id"]]


_LIKED = 4
_FEWEST = 5
_CANDIDATES = 99
_SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


class _RankingSettings(Section):
    negatives: int = pydantic.Field(4, gt=0)
    """Drawn films beside each film of the training split."""
    seed: int = pydantic.Field(1, ge=0)
    """Decides the split and what is drawn."""


def movielens_1m_ranking(
    path: Path | None, settings: Mapping[str, Any]
) -> dict[str, Iterable[Row]]:
    """Reads MovieLens-1M as likes, split for top-k ranking.

    Ratings of 4 and 5 are likes. Users with fewer than 5 of them are left out, then films with
    fewer than 5. Each user's likes are split 60/20/20 at random, without regard to time. In the
    training split a like is followed by `negatives` films drawn from those that the user's training
    split lacks. In the other two splits each user has one like, that with the smallest movie_id,
    and 99 films drawn from all but the user's likes of that split: films that the user likes in
    training may be among them, which makes the task harder than it need be.

    Args:
        path: As of `movielens_1m`.
        settings: `negatives` (4) and `seed` (1).

    Returns:
        The three splits with user_id, movie_id and label; group by user_id.

    Raises:
        ValueError: If a file or a setting is invalid.
    """
    chosen = settings_of(_RankingSettings, settings)
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
        part: RepeatedRows(functools.partial(_ranking_rows, chosen, part, liked, films))
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


def _ranking_rows(
    settings: _RankingSettings, part: str, liked: dict[int, list[int]], films: list[int]
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


@dataclasses.dataclass(frozen=True)
class MovieLensTables:
    """Users, films and ratings of MovieLens-100K.

    Attributes:
        users: User id -> its `User`.
        films: Film id -> its `Film`.
        user_ids: `(ratings,)` int64, who rated.
        movie_ids: `(ratings,)` int64, which film.
        ratings: `(ratings,)` float32, one to five stars.
        times: `(ratings,)` int64, seconds since 1970.
    """

    @dataclasses.dataclass(frozen=True)
    class User:
        """What is known of a user: years of age, gender, occupation, zip code."""

        age: int
        gender: str
        occupation: str
        zip_code: str

    @dataclasses.dataclass(frozen=True)
    class Film:
        """What is known of a film: title without its year, year (None if unknown), genres."""

        title: str
        release_year: int | None
        genres: tuple[str, ...]

    users: dict[int, User]
    films: dict[int, Film]
    user_ids: NDArray[np.int64]
    movie_ids: NDArray[np.int64]
    ratings: NDArray[np.float32]
    times: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Checks that each rating is by a known user of a known film.

        Raises:
            ValueError: If there is no rating, or one names an unknown user or film.
        """
        if not len(self.times):
            raise ValueError("`ratings` must have rows. Received: none. Check the ratings file.")
        for name, ids, known in (
            ("user_id", self.user_ids, self.users),
            ("movie_id", self.movie_ids, self.films),
        ):
            unknown = ~np.isin(ids, np.fromiter(known, np.int64, len(known)))
            if unknown.any():
                row = int(np.argmax(unknown))
                raise ValueError(
                    f"`{name}` must be in its table. Received: {name}={ids[row]} in rating {row}. "
                    "Take the three files from one copy of MovieLens-100K."
                )
