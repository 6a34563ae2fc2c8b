"""MovieLens-100K: whether somebody gives a film four stars or more."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydantic

from pipelines.configuration.section import Section
from pipelines.preparation.histories import histories
from pipelines.sources._find_movielens_100k import find_movielens_100k
from pipelines.sources._movielens_tables import MovieLensTables
from pipelines.sources._read_movielens_100k import read_movielens_100k
from pipelines.sources._repeated_rows import RepeatedRows
from pipelines.sources._settings_of import settings_of
from pipelines.sources.source import Row


class _Settings(Section):
    history: int = pydantic.Field(default=50, gt=0)
    """Most films in a history; the newest are kept."""
    liked_from: float = 4
    """Stars from which a film enters later histories."""
    zip_length: int = pydantic.Field(default=3, gt=0)
    """Characters of the zip code that are kept."""


def movielens_100k(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    """Reads 100,000 ratings of films, each with what its user liked strictly before.

    A row has `rating`, `timestamp`, of the user `user_id`, `age`, `gender`, `occupation`,
    `zip_prefix`, `history` (films, newest first) and `history_age` (in days), and of the film
    `movie_id`, `release_year`, `genres` and, for display, `title`. Rows are by time, and
    `data.split` deals them out.

    Args:
        path: Folder with an own copy, RecBole's or GroupLens'. Default: the cache of the user,
            where the files get from the wheel of RecBole that pip fetches.
        settings: `history`, `liked_from`, `zip_length`.

    Returns:
        All rows as "train".

    Raises:
        ValueError: If a file or a setting is not as it must be.
        RuntimeError: If the files cannot be downloaded.
    """
    chosen = settings_of(_Settings, settings)
    files = find_movielens_100k(path)

    # Read when it is asked for, and then once: a data set that is prepared needs no rows.
    @functools.cache
    def rows() -> list[Row]:
        return list(_rows(read_movielens_100k(files), chosen))

    return {"train": RepeatedRows(lambda: iter(rows()))}


def _rows(tables: MovieLensTables, settings: _Settings) -> Iterator[Row]:
    liked = tables.ratings >= settings.liked_from
    past = histories(tables.user_ids, tables.movie_ids, tables.times, liked, settings.history)
    # One order for any order of the raw files.
    for event in np.lexsort((tables.movie_ids, tables.user_ids, tables.times)).tolist():
        user_id, movie_id = int(tables.user_ids[event]), int(tables.movie_ids[event])
        user, film = tables.users[user_id], tables.films[movie_id]
        yield {
            "rating": float(tables.ratings[event]),
            "timestamp": int(tables.times[event]),
            "user_id": user_id,
            "age": user.age,
            "gender": user.gender,
            "occupation": user.occupation,
            "zip_prefix": user.zip_code[: settings.zip_length],
            "history": past.items[event],
            "history_age": past.ages[event],
            "movie_id": movie_id,
            "title": film.title,
            "release_year": film.release_year,
            "genres": list(film.genres),
        }
