"""Reads a copy of MovieLens-100K in either of the forms it is found in."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.readers.read_typed_header import read_typed_header
from pipelines.sources._movielens_tables import MovieLensTables

FORMS = (
    ("ml-100k.inter", "ml-100k.item", "ml-100k.user"),
    ("u.data", "u.item", "u.user"),
)
# The order of the genre flags in u.item; the first flag says that none is known.
_GENRES = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]
_YEAR = re.compile(r"^(?P<title>.*?)\s*\((?P<year>\d{4})\)[^(]*(\([^(]*\))?$")


def read_movielens_100k(files: Sequence[Path]) -> MovieLensTables:
    """Reads ratings, films and users.

    Args:
        files: The three files as `find_movielens_100k` gives them, RecBole's or GroupLens'.

    Returns:
        The tables; both forms give the same, but for the spelling of one unknown title.

    Raises:
        ValueError: If a file is empty or a row is not as it must be; the file and row are named.
    """
    return _from_recbole(files) if files[0].suffix == ".inter" else _from_grouplens(files)


def _from_recbole(files: Sequence[Path]) -> MovieLensTables:
    ratings, films, users = (read_typed_header(path) for path in files)
    try:
        return _tables(
            [ratings[name] for name in ("user_id", "item_id", "rating", "timestamp")],
            [films[name] for name in ("item_id", "movie_title", "release_year")]
            + [[text.split() for text in films["class"]]],
            [users[name] for name in ("user_id", "age", "gender", "occupation", "zip_code")],
            files,
        )
    except KeyError as error:
        raise ValueError(
            f"The headers of `{files[0].parent}` must have a column for each feature. "
            f"Received: none called {error}. Take the files of RecBole 1.2.1."
        ) from error


def _from_grouplens(files: Sequence[Path]) -> MovieLensTables:
    ratings = _columns(files[0], "\t", 4)
    films = _columns(files[1], "|", 5 + len(_GENRES))
    users = _columns(files[2], "|", 5)
    genres = [
        [name for name, flag in zip(_GENRES, flags, strict=True) if flag == "1"]
        for flags in zip(*films[5:], strict=True)
    ]
    years = [date[-4:] for date in films[2]]
    return _tables(ratings, [films[0], films[1], years, genres], users, files)


def _columns(path: Path, separator: str, width: int) -> list[list[str]]:
    # GroupLens wrote these files in latin-1, in 1998.
    lines = path.read_text(encoding="latin-1").rstrip("\n").split("\n")
    if lines == [""]:
        raise ValueError(f"`{path}` must have rows. Received: an empty file.")
    rows = [line.rstrip("\r").split(separator) for line in lines]
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise ValueError(
                f"`{path}` must have {width} cells in each row. "
                f"Received: {len(row)} cells in line {number}."
            )
    return [list(column) for column in zip(*rows, strict=True)]


def _tables(
    ratings: Sequence[Sequence[str]],
    films: Sequence[Sequence],
    users: Sequence[Sequence[str]],
    files: Sequence[Path],
) -> MovieLensTables:
    film_table = {}
    for row, (movie_id, title, year, genres) in enumerate(zip(*films, strict=True)):
        known = tuple(genre for genre in genres if genre != "unknown")
        film_table[_number(movie_id, "movie_id", row, files[1])] = _film(title, year, known)
    user_table = {}
    for row, (user_id, age, gender, occupation, zip_code) in enumerate(zip(*users, strict=True)):
        user_table[_number(user_id, "user_id", row, files[2])] = MovieLensTables.User(
            _number(age, "age", row, files[2]), gender, occupation, zip_code
        )
    user_ids, movie_ids, stars, times = (
        [_number(text, name, row, files[0]) for row, text in enumerate(column)]
        for name, column in zip(
            ("user_id", "movie_id", "rating", "timestamp"), ratings, strict=True
        )
    )
    return MovieLensTables(
        user_table,
        film_table,
        np.asarray(user_ids, np.int64),
        np.asarray(movie_ids, np.int64),
        np.asarray(stars, np.float32),
        np.asarray(times, np.int64),
    )


def _film(title: str, year: str, genres: tuple[str, ...]) -> MovieLensTables.Film:
    """Takes the year out of the title, where both forms have it when nowhere else."""
    match = _YEAR.match(title)
    if match:
        return MovieLensTables.Film(match["title"], int(match["year"]), genres)
    return MovieLensTables.Film(title, int(year) if year.isdecimal() else None, genres)


def _number(text: str, name: str, row: int, path: Path) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be a whole number. Received: {name}='{text}' in row {row} of '{path}'."
        ) from error
