import json
import os
from bisect import bisect_right
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.recipes.movielens_100k import prepare as recipe
from pipelines.recipes.movielens_100k.find import find
from pipelines.recipes.movielens_100k.prepare import prepare
from pipelines.recipes.movielens_100k.read import read
from tests.pipelines import oracles
from tests.pipelines.movielens_files import FILMS, USERS, Log, log, write_grouplens, write_recbole


def examples(folder: Path, spec: FeatureSpec, part: str) -> list[dict]:
    """Every example of a part as plain values, read without our data sets, in any order."""
    found = []
    for path in spec.files(folder, part):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            found.append(
                {name: list(getattr(f, f.WhichOneof("kind")).value) for name, f in features.items()}
            )
    return found


def expected(ratings: Log, event: tuple[int, int, int, int], history: int) -> dict:
    """The example of one rating, straight from the issue's words."""
    user, film, stars, _ = event
    age, gender, occupation, zip_code = USERS[user]
    _, year, genres = FILMS[film]
    films, ages = oracles.history(event, ratings, history)
    values: dict = {
        "label": [int(stars >= 4)],
        "user_id": [user],
        "age": [age],
        "gender": [gender.encode()],
        "occupation": [occupation.encode()],
        "zip_prefix": [zip_code[:3].encode()],
        "movie_id": [film],
        "release_year": [year] if year else [],
        "genres": [genre.encode() for genre in genres],
        "history": films,
        "history_age": [float(tf.constant(a, tf.float32)) for a in ages],
    }
    return {name: value for name, value in values.items() if value}


def by_text(rows: list[dict]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(12, 60), st.integers(0, 10**6), st.integers(1, 5))
def test_prepared_examples_are_those_of_a_brute_force_look(
    tmp_path_factory: pytest.TempPathFactory, num_ratings: int, seed: int, history: int
) -> None:
    tmp_path = tmp_path_factory.mktemp("prepare")
    ratings = log(num_ratings, seed)
    data_dir = write_recbole(tmp_path / "raw", ratings)
    times = sorted(time for *_, time in ratings)
    starts = [times[num_ratings * 8 // 10], times[num_ratings * 9 // 10]]
    assume(times[0] < starts[0] < starts[1])  # else a part would be empty
    spec = prepare(tmp_path / "out", data_dir, history, num_shards=2)
    for number, part in enumerate(("train", "validation", "test")):
        events = [event for event in ratings if bisect_right(starts, event[3]) == number]
        found = examples(tmp_path / "out", spec, part)
        assert by_text(found) == by_text([expected(ratings, event, history) for event in events])
        described = spec.parts[part]
        assert described.examples == len(events)
        assert described.positives == sum(stars >= 4 for _, _, stars, _ in events)
        assert described.first_time == min(time for *_, time in events)
        assert described.last_time == max(time for *_, time in events)


def test_nothing_fitted_looks_past_the_training_part(tmp_path: Path) -> None:
    ratings = [(1 + n % 2, 1 + n % 2, 1 + n % 5, n) for n in range(80)]
    later = [(3 + n % 2, 5, 5, 100 + n) for n in range(20)]  # new users, a new film and genre
    first = prepare(tmp_path / "a", write_recbole(tmp_path / "raw_a", [*ratings, *later]))
    changed = [(4, 7, 1, 100 + n) for n in range(20)]
    second = prepare(tmp_path / "b", write_recbole(tmp_path / "raw_b", [*ratings, *changed]))
    assert first.features == second.features
    assert first.features["occupation"].vocabulary == ("other", "technician")
    assert set(first.features["genres"].vocabulary or ()) == {
        *FILMS[1][2],
        *FILMS[2][2],
    }
    assert first.features["movie_id"].num_ids == 3


def test_both_forms_of_the_files_give_the_same_tables(tmp_path: Path) -> None:
    ratings = log(30, seed=0)
    tables = [
        read(find(write(tmp_path / write.__name__, ratings)))
        for write in (write_recbole, write_grouplens)
    ]
    for one in tables:
        assert {i: (f.title, f.release_year, f.genres) for i, f in one.films.items()} == FILMS
        assert {
            i: (u.age, u.gender, u.occupation, u.zip_code) for i, u in one.users.items()
        } == USERS
        columns = (one.user_ids, one.movie_ids, one.ratings, one.times)
        assert list(zip(*(column.tolist() for column in columns), strict=True)) == ratings


def test_a_year_left_in_the_title_is_found(tmp_path: Path) -> None:
    data_dir = write_recbole(tmp_path, log(30, seed=0))
    item = data_dir / "ml-100k.item"
    text = item.read_text().replace("Alien\t1979", "Alien (1979) (V)\tV")
    item.write_text(text)
    film = read(find(data_dir)).films[7]
    assert (film.title, film.release_year) == ("Alien", 1979)


def test_the_same_work_is_not_done_twice_and_other_work_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir, out = write_recbole(tmp_path / "raw", log(50, seed=1)), tmp_path / "out"
    spec = prepare(out, data_dir)
    before = (out / FeatureSpec.FILE).stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "read", None)  # a second reading would fail
        assert prepare(out, data_dir) == spec
    assert (out / FeatureSpec.FILE).stat().st_ino == before
    other = prepare(out, data_dir, history=3)
    assert other.key != spec.key
    write_recbole(data_dir, log(50, seed=2))
    assert prepare(out, data_dir, history=3).key != other.key
    assert sorted(os.listdir(tmp_path)) == ["out", "raw"]


def test_the_order_of_the_raw_ratings_does_not_matter(tmp_path: Path) -> None:
    ratings = sorted(set(log(60, seed=3)))
    once = {(user, film, time): stars for user, film, stars, time in ratings}
    ratings = [(user, film, stars, time) for (user, film, time), stars in once.items()]
    spec = prepare(tmp_path / "a", write_recbole(tmp_path / "raw_a", ratings))
    prepare(tmp_path / "b", write_recbole(tmp_path / "raw_b", ratings[::-1]))
    for part in spec.parts.values():
        for name in part.files:
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_interrupted_run_leaves_nothing_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir, out = write_recbole(tmp_path / "raw", log(50, seed=1)), tmp_path / "out"

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "_films", interrupt)  # after the examples are written
        with pytest.raises(KeyboardInterrupt):
            prepare(out, data_dir)
    assert os.listdir(tmp_path) == ["raw"]
    assert prepare(out, data_dir).parts["train"].examples == 40


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    data_dir, out = write_recbole(tmp_path / "raw", log(50, seed=1)), tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="must be a folder of prepared examples"):
        prepare(out, data_dir)
    assert os.listdir(out) == ["thesis.txt"]


def test_films_are_described_for_display(tmp_path: Path) -> None:
    prepare(tmp_path / "out", write_recbole(tmp_path / "raw", log(50, seed=1)))
    films = json.loads((tmp_path / "out" / "films.json").read_text(encoding="utf-8"))
    assert films["2"] == {
        "title": "Misérables, Les",
        "release_year": 1995,
        "genres": ["Drama", "Musical"],
    }


def test_a_copy_that_is_not_there_is_an_error_that_names_both_forms(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"`--data-dir` must be a folder with .*inter.* or u\.data"
    ):
        find(tmp_path)


def test_a_cached_copy_is_checked_and_got_again_when_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    write_recbole(tmp_path / "tfrs_afm" / "ml-100k", log(30, seed=0))
    with pytest.raises(RuntimeError, match=r"pip must be able to download .*--data-dir"):
        find()


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        ("ml-100k.inter", "rating:float", "stars:float", "a column for each feature.*'rating'"),
        ("ml-100k.user", "\t24\t", "\told\t", "`age` must be a whole number.*row 0 of .*user"),
        ("ml-100k.user", "4\t33", "9\t33", "`user_id` must be in its table.*user_id=4"),
        ("ml-100k.item", "7\tAlien", "9\tAlien", "`movie_id` must be in its table.*movie_id=7"),
    ],
)
def test_raw_files_that_do_not_fit_are_errors_that_name_the_place(
    tmp_path: Path, name: str, old: str, new: str, text: str
) -> None:
    path = write_recbole(tmp_path, log(60, seed=0)) / name
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))
    with pytest.raises(ValueError, match=text):
        read(find(tmp_path))


@pytest.mark.parametrize("write", [write_recbole, write_grouplens])
@pytest.mark.parametrize("empty", [0, 1, 2])
def test_an_empty_raw_file_is_an_error_that_names_it(
    tmp_path: Path, write: object, empty: int
) -> None:
    write(tmp_path, log(30, seed=0))  # type: ignore[operator]
    path = find(tmp_path)[empty]
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=f"{path.name}.*an empty file"):
        read(find(tmp_path))
