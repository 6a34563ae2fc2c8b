"""MovieLens-100K from its raw files to training, validation and test examples."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.files.atomic_folder import atomic_folder
from pipelines.files.content_hash import content_hash
from pipelines.files.write_text import write_text
from pipelines.preparation.feature import Feature
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.histories import Histories, histories
from pipelines.preparation.quantile_bounds import quantile_bounds
from pipelines.preparation.time_split import time_split
from pipelines.preparation.vocabulary import vocabulary
from pipelines.preparation.write_examples import write_examples
from pipelines.progress import progress
from pipelines.recipes.movielens_100k.find import find
from pipelines.recipes.movielens_100k.read import read
from pipelines.recipes.movielens_100k.tables import Tables

RECIPE = "movielens-100k"
_PARTS = ("train", "validation", "test")
_SETTINGS: dict[str, Any] = {
    "examples": 1,  # count up when the same settings would give other examples
    "fractions": [0.8, 0.1, 0.1],
    "liked_from": 4,
    "age_buckets": 8,
    "year_buckets": 10,
    "zip_length": 3,
}


def prepare(
    out: Path, data_dir: Path | None = None, history: int = 50, num_shards: int = 4
) -> FeatureSpec:
    """Writes a folder of prepared examples, or finds that it is there already.

    One example a rating; its label says whether the user gave the film four stars or more. The
    oldest 80 % are for training, the next 10 % for validation, the newest 10 % for the test, and
    nothing is fitted on more than the training part. The folder holds the parts as TFRecord,
    `feature_spec.json`, and `films.json` with titles, years and genres for display and ranking.

    Args:
        out: The folder. It appears whole or not at all. Examples of other raw files or settings
            that lie there are replaced.
        data_dir: An own copy of the raw files; by default they are downloaded and cached.
        history: Most films in the history of an example.
        num_shards: Number of files a part.

    Returns:
        The description of the examples.

    Raises:
        ValueError: If `out` is another folder, or the raw files are not as they must be.
        RuntimeError: If the raw files cannot be downloaded.
    """
    files = find(data_dir)
    settings = {**_SETTINGS, "history": history, "num_shards": num_shards}
    key = content_hash(files, settings)
    if out.exists():
        if out.is_dir() and not any(out.iterdir()):
            out.rmdir()
        elif FeatureSpec.read(out).key == key:
            return FeatureSpec.read(out)
    tables = read(files)
    starts = time_split(tables.times, _SETTINGS["fractions"])
    part_of = np.searchsorted(starts, tables.times, side="right")
    liked = tables.ratings >= _SETTINGS["liked_from"]
    past = histories(tables.user_ids, tables.movie_ids, tables.times, liked, history)
    features = _features(tables, part_of == 0)
    # One order for any order of the raw files.
    order = np.lexsort((tables.movie_ids, tables.user_ids, tables.times))
    parts = {}
    with atomic_folder(out) as folder:
        for number, part in enumerate(_PARTS):
            chosen = order[part_of[order] == number]
            rows = _rows(tables, chosen, liked, past)
            shown = progress(rows, f"Writing {part} examples", len(chosen))
            names = write_examples(shown, features, folder, part, num_shards)
            times = tables.times[chosen]
            parts[part] = FeatureSpec.Part(
                names, len(chosen), int(liked[chosen].sum()), int(times[0]), int(times[-1])
            )
        spec = FeatureSpec(RECIPE, key, settings, "label", "user_id", features, parts)
        write_text(folder / "films.json", _films(tables))
        spec.write(folder)
    return spec


def _rows(
    tables: Tables, chosen: NDArray[np.int64], liked: NDArray[np.bool_], past: Histories
) -> Iterator[dict[str, Any]]:
    for event in chosen.tolist():
        user_id, movie_id = int(tables.user_ids[event]), int(tables.movie_ids[event])
        user, film = tables.users[user_id], tables.films[movie_id]
        yield {
            "label": int(liked[event]),
            "user_id": user_id,
            "age": user.age,
            "gender": user.gender,
            "occupation": user.occupation,
            "zip_prefix": user.zip_code[: _SETTINGS["zip_length"]],
            "movie_id": movie_id,
            "release_year": film.release_year,
            "genres": film.genres,
            "history": past.items[event],
            "history_age": past.ages[event],
        }


def _features(tables: Tables, train: NDArray[np.bool_]) -> dict[str, Feature]:
    """Describes the features; everything that is fitted sees the training part only."""
    users = [tables.users[user] for user in tables.user_ids[train].tolist()]
    films = [tables.films[film] for film in tables.movie_ids[train].tolist()]
    ages = [user.age for user in users]
    years = [film.release_year for film in films if film.release_year is not None]
    num_movies = int(tables.movie_ids[train].max()) + 1
    features = [
        Feature("label", "int64", "fixed", "1 if the user gave four stars or more, else 0"),
        Feature(
            "user_id",
            "int64",
            "fixed",
            "who rates; 0 is nobody",
            default=0,
            num_ids=int(tables.user_ids[train].max()) + 1,
        ),
        Feature(
            "age",
            "int64",
            "fixed",
            "age of the user in years",
            default=int(np.median(ages)),
            bounds=tuple(quantile_bounds(ages, _SETTINGS["age_buckets"])),
        ),
        Feature(
            "gender",
            "string",
            "fixed",
            "gender of the user",
            default="",
            vocabulary=tuple(vocabulary(user.gender for user in users)),
        ),
        Feature(
            "occupation",
            "string",
            "fixed",
            "occupation of the user",
            default="",
            vocabulary=tuple(vocabulary(user.occupation for user in users)),
        ),
        Feature(
            "zip_prefix",
            "string",
            "fixed",
            f"first {_SETTINGS['zip_length']} characters of the user's zip code",
            default="",
        ),
        Feature(
            "movie_id",
            "int64",
            "fixed",
            "the film that is rated; 0 is none",
            default=0,
            num_ids=num_movies,
        ),
        Feature(
            "release_year",
            "int64",
            "fixed",
            "year in which the film came out",
            default=int(np.median(years)),
            bounds=tuple(quantile_bounds(years, _SETTINGS["year_buckets"])),
        ),
        Feature(
            "genres",
            "string",
            "variable",
            "genres of the film, a set",
            vocabulary=tuple(vocabulary(genre for film in films for genre in film.genres)),
        ),
        Feature(
            "history",
            "int64",
            "variable",
            "films the user gave four stars or more strictly before, newest first",
            num_ids=num_movies,
        ),
        Feature(
            "history_age", "float32", "variable", "days since each rating in history, in its order"
        ),
    ]
    return {feature.name: feature for feature in features}


def _films(tables: Tables) -> str:
    films = {str(movie_id): dataclasses.asdict(film) for movie_id, film in tables.films.items()}
    return json.dumps(films, ensure_ascii=False, indent=0) + "\n"
