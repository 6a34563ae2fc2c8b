"""MovieLens-1M: a million ratings of films."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.configuration.section import Section
from pipelines.sources._cells_of import cells_of
from pipelines.sources._file_of import file_of
from pipelines.sources._number_of import number_of
from pipelines.sources._repeated_rows import RepeatedRows
from pipelines.sources._settings_of import settings_of
from pipelines.sources.source import Row

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
        The part "train" alone: `data.split` deals it out.

    Raises:
        ValueError: If a file or a setting is not as it must be.
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
