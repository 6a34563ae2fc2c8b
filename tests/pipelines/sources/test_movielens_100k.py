import os
from bisect import bisect_right
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipelines.configuration.load_configuration import load_configuration
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.prepare import prepare
from pipelines.sources import movielens_100k as source
from pipelines.sources.movielens_100k import (
    find_movielens_100k,
    movielens_100k,
    read_movielens_100k,
    read_typed_header,
)
from tests.pipelines import oracles
from tests.pipelines.movielens_files import FILMS, USERS, Log, log, write_grouplens, write_recbole


def prepared(out: Path, raw: Path, *overrides: str, kind: str = "afm") -> FeatureSpec:
    changes = [f"data.path={raw}", "data.shards=2", *overrides]
    return prepare(load_configuration(f"movielens-100k-{kind}", changes), out)


def examples(folder: Path, spec: FeatureSpec, part: str) -> list[dict[str, list[Any]]]:
    """Every example of a part as plain values, read without our data sets, in any order."""
    found = []
    for path in spec.files(folder, part):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            found.append(
                {name: list(getattr(f, f.WhichOneof("kind")).value) for name, f in features.items()}
            )
    return found


def expected(ratings: Log, event: tuple[int, int, int, int], history: int) -> dict[str, Any]:
    """The row of one rating, by a look at the whole log."""
    user, film, stars, time = event
    age, gender, occupation, zip_code = USERS[user]
    title, year, genres = FILMS[film]
    films, ages = oracles.history(event, ratings, history)
    return {
        "rating": float(stars),
        "timestamp": time,
        "user_id": user,
        "age": age,
        "gender": gender,
        "occupation": occupation,
        "zip_prefix": zip_code[:3],
        "movie_id": film,
        "title": title,
        "release_year": year,
        "genres": list(genres),
        "history": films,
        "history_age": ages,
    }


def as_example(row: dict[str, Any]) -> dict[str, list[Any]]:
    """What is written of a row: the label, and what the columns read."""
    kept = {name: value for name, value in row.items() if name not in _NOT_WRITTEN}
    kept["rating"] = float(row["rating"] >= 4)
    lists = {name: value if isinstance(value, list) else [value] for name, value in kept.items()}
    return {
        name: [one.encode() if isinstance(one, str) else one for one in values]
        for name, values in lists.items()
        if values not in ([], [None])
    }


_NOT_WRITTEN = ("timestamp", "title", "history_age")


def by_text(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)


@pytest.mark.long
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(12, 60), st.integers(0, 10**6), st.integers(1, 5))
def test_rows_and_examples_are_those_of_a_brute_force_look(
    tmp_path_factory: pytest.TempPathFactory, num_ratings: int, seed: int, history: int
) -> None:
    tmp_path = tmp_path_factory.mktemp("prepare")
    ratings = log(num_ratings, seed)
    raw = write_recbole(tmp_path / "raw", ratings)
    times = sorted(time for *_, time in ratings)
    starts = [times[num_ratings * 8 // 10], times[num_ratings * 9 // 10]]
    assume(times[0] < starts[0] < starts[1])  # else a part would be empty
    rows = list(movielens_100k(raw, {"history": history})["train"])
    assert by_text(rows) == by_text([expected(ratings, event, history) for event in ratings])
    assert [row["timestamp"] for row in rows] == times
    spec = prepared(tmp_path / "out", raw, f"data.settings={{history={history}}}")
    for number, part in enumerate(("train", "validation", "test")):
        events = [event for event in ratings if bisect_right(starts, event[3]) == number]
        found = examples(tmp_path / "out", spec, part)
        wanted = [as_example(expected(ratings, event, history)) for event in events]
        assert by_text(found) == by_text(wanted)
        assert spec.parts[part].examples == len(events)
        assert spec.parts[part].positives == sum(stars >= 4 for _, _, stars, _ in events)


def test_nothing_fitted_looks_past_the_training_part(tmp_path: Path) -> None:
    ratings = [(1 + n % 2, 1 + n % 2, 1 + n % 5, n) for n in range(80)]
    later = [(3 + n % 2, 5, 5, 100 + n) for n in range(20)]  # new users, a new film and genre
    changed = [(4, 7, 1, 100 + n) for n in range(20)]
    first, second = (
        prepared(tmp_path / name, write_recbole(tmp_path / f"raw_{name}", [*ratings, *more]))
        for name, more in (("a", later), ("b", changed))
    )
    assert first.fitted == second.fitted
    assert first.fitted["vocabulary(occupation)"] == ["other", "technician"]
    assert set(first.fitted["vocabulary(genres)"]) == {*FILMS[1][2], *FILMS[2][2]}
    assert first.fitted["num_ids(history, movie_id)"] == 3
    assert first.fitted["num_ids(user_id)"] == 3


def test_both_recipes_share_their_examples(tmp_path: Path) -> None:
    raw = write_recbole(tmp_path / "raw", log(60, seed=1))
    spec = prepared(tmp_path / "out", raw)
    before = (tmp_path / "out" / FeatureSpec.FILE).stat().st_ino
    assert prepared(tmp_path / "out", raw, kind="deepfm") == spec
    assert (tmp_path / "out" / FeatureSpec.FILE).stat().st_ino == before


def test_what_is_prepared_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, out = write_recbole(tmp_path / "raw", log(50, seed=1)), tmp_path / "out"
    spec = prepared(out, raw)
    with monkeypatch.context() as patch:
        patch.setattr(source, "read_movielens_100k", None)  # reading would fail
        assert prepared(out, raw) == spec
    write_recbole(raw, log(50, seed=2))
    assert prepared(out, raw).key != spec.key
    assert sorted(os.listdir(tmp_path)) == ["out", "raw"]


def test_the_order_of_the_raw_ratings_does_not_matter(tmp_path: Path) -> None:
    once = {(user, film, time): stars for user, film, stars, time in log(60, seed=3)}
    ratings = [(user, film, stars, time) for (user, film, time), stars in once.items()]
    spec = prepared(tmp_path / "a", write_recbole(tmp_path / "raw_a", ratings))
    prepared(tmp_path / "b", write_recbole(tmp_path / "raw_b", ratings[::-1]))
    for part in spec.parts.values():
        for name in part.files:
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_interrupted_preparation_leaves_nothing_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, out = write_recbole(tmp_path / "raw", log(50, seed=1)), tmp_path / "out"

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FeatureSpec, "write", interrupt)  # after the examples are written
        with pytest.raises(KeyboardInterrupt):
            prepared(out, raw)
    assert os.listdir(tmp_path) == ["raw"]
    assert prepared(out, raw).parts["train"].examples == 40


def test_a_setting_that_it_does_not_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`histroy` must be a known key\. .*history"):
        movielens_100k(write_recbole(tmp_path, log(10, seed=1)), {"histroy": 3})


def test_both_forms_of_the_files_give_the_same_tables(tmp_path: Path) -> None:
    ratings = log(30, seed=0)
    tables = [
        read_movielens_100k(find_movielens_100k(write(tmp_path / write.__name__, ratings)))
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
    raw = write_recbole(tmp_path, log(30, seed=0))
    item = raw / "ml-100k.item"
    item.write_text(item.read_text().replace("Alien\t1979", "Alien (1979) (V)\tV"))
    film = read_movielens_100k(find_movielens_100k(raw)).films[7]
    assert (film.title, film.release_year) == ("Alien", 1979)


def test_a_copy_that_is_not_there_is_an_error_that_names_both_forms(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"`data\.path` must be a folder with .*inter.* or u\.data"
    ):
        find_movielens_100k(tmp_path)


def test_a_cached_copy_is_checked_and_got_again_when_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    write_recbole(tmp_path / "tfrs_afm" / "ml-100k", log(30, seed=0))
    with pytest.raises(RuntimeError, match=r"pip must be able to download .*--data-dir"):
        find_movielens_100k()


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
        read_movielens_100k(find_movielens_100k(tmp_path))


@pytest.mark.parametrize("write", [write_recbole, write_grouplens])
@pytest.mark.parametrize("empty", [0, 1, 2])
def test_an_empty_raw_file_is_an_error_that_names_it(
    tmp_path: Path, write: object, empty: int
) -> None:
    write(tmp_path, log(30, seed=0))  # type: ignore[operator]
    path = find_movielens_100k(tmp_path)[empty]
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=f"{path.name}.*an empty file"):
        read_movielens_100k(find_movielens_100k(tmp_path))


def test_columns_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "t.item"
    path.write_bytes("id:token\ttitle:token_seq\r\n1\tÀ\x85 b\r\n2\t\r\n".encode())
    assert read_typed_header(path) == {"id": ["1", "2"], "title": ["À\x85 b", ""]}


@pytest.mark.parametrize(
    ("text", "error"),
    [("", "must have a header line"), ("a:token\tb:token\n1\t2\n3\n", "1 cells in line 3")],
)
def test_a_broken_table_is_an_error_that_names_file_and_line(
    tmp_path: Path, text: str, error: str
) -> None:
    path = tmp_path / "t.item"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"t.item.*{error}"):
        read_typed_header(path)
