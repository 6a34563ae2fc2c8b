"""MovieLens-100K: whether somebody gives a film four stars or more."""

import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydantic

from pipelines.configuration.section import Section
from pipelines.fitting.histories import histories
from pipelines.sources.fetch_wheel_files import fetch_wheel_files
from pipelines.sources.movielens_1m import MovieLensTables
from pipelines.sources.source import RepeatedRows, Row, settings_of


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
    `data.split` splits them.

    Args:
        path: Folder with an own copy, RecBole's or GroupLens'. Default: the cache of the user,
            where the files get from the wheel of RecBole that pip fetches.
        settings: `history`, `liked_from`, `zip_length`.

    Returns:
        All rows as "train".

    Raises:
        ValueError: If a file or a setting is invalid.
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
        ValueError: If a file is empty or a row is invalid; the file and row are named.
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


_REQUIREMENT = "recbole==1.2.1"
_WHEEL = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
_FILES = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
}
_FIX = (
    "Or give a folder with your own copy of MovieLens-100K: --set data.path=FOLDER "
    "(--data-dir FOLDER of the demo)."
)


def find_movielens_100k(path: Path | None = None) -> tuple[Path, Path, Path]:
    """Returns the ratings, film and user files of MovieLens-100K.

    Without `path` they come from the cache of the user, `$XDG_CACHE_HOME/tfrs_afm/ml-100k` or
    `~/.cache/tfrs_afm/ml-100k`, and get there from the wheel of RecBole 1.2.1, which carries the
    data set and which pip fetches. Whole and unchanged is checked by sha256 each time.

    Args:
        path: A folder with an own copy: RecBole's `ml-100k.inter`, `.item` and `.user`, or
            GroupLens' `u.data`, `u.item` and `u.user`.

    Returns:
        Paths of three files that exist.

    Raises:
        ValueError: If `path` lacks the files, or the download is not the expected one.
        RuntimeError: If pip cannot download the wheel.
    """
    if path is not None:
        return _own(path)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "tfrs_afm" / "ml-100k"
    files = _in(folder, FORMS[0])
    if not all(one.is_file() and _sha256(one) == _FILES[one.name] for one in files):
        members = {name: f"recbole/dataset_example/ml-100k/{name}" for name in _FILES}
        fetch_wheel_files(_REQUIREMENT, _WHEEL, members, folder, _FIX)
    return files


def _own(folder: Path) -> tuple[Path, Path, Path]:
    for names in FORMS:
        files = _in(folder, names)
        if all(one.is_file() for one in files):
            return files
    wanted = " or ".join(", ".join(names) for names in FORMS)
    raise ValueError(
        f"`data.path` must be a folder with {wanted}. Received: data.path={folder}. "
        "Leave it out (and --data-dir of the demo) to have the files downloaded."
    )


def _in(folder: Path, names: tuple[str, str, str]) -> tuple[Path, Path, Path]:
    return folder / names[0], folder / names[1], folder / names[2]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_typed_header(path: Path) -> dict[str, list[str]]:
    r"""Reads a table with a header of `name:type` columns, as RecBole writes them.

    Args:
        path: A UTF-8 file, columns separated by tabs.

    Returns:
        Column name, without its type -> the column's cells, as text.

    Raises:
        ValueError: If the file is empty or a row has another number of cells than the header.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "table"
        >>> _ = path.write_text("user_id:token\tage:token\n1\t24\n")
        >>> read_typed_header(path)
        {'user_id': ['1'], 'age': ['24']}
    """
    # Not splitlines(): a title may hold characters that it takes for an end of line.
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    header = lines[0].rstrip("\r").split("\t")
    if header == [""]:
        raise ValueError(f"`{path}` must have a header line. Received: an empty file.")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(header):
            raise ValueError(
                f"`{path}` must have {len(header)} cells in each row. "
                f"Received: {len(cells)} cells in line {number}."
            )
        rows.append(cells)
    names = [name.split(":")[0] for name in header]
    return {name: [row[column] for row in rows] for column, name in enumerate(names)}
