import random
from pathlib import Path

import pytest

from pipelines.sources.source import find_source
from tests.pipelines.sources.real_data import real_data


def written(folder: Path) -> Path:
    (folder / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072-1\n")
    (folder / "movies.dat").write_bytes(
        "1::Toy Story (1995)::Animation|Comedy\n7::Misérables, Les::Drama\n".encode("latin-1")
    )
    (folder / "ratings_no_timestamp.csv").write_text("1,1,5\n2,1,3\n2,7,2\n")
    return folder


def test_a_rating_has_its_user_and_its_film(tmp_path: Path) -> None:
    parts = find_source("movielens-1m")(written(tmp_path), {})
    assert list(parts) == ["train"]
    first, _, last = parts["train"]
    assert first == {
        "user_id": 1,
        "movie_id": 1,
        "rating": 5,
        "gender": "F",
        "age": 1,
        "occupation": 10,
        "zip": "48067",
        "genres": ["Animation", "Comedy"],
        "year": 1995,
    }
    assert (last["zip"], last["year"], last["genres"]) == ("70072-1", None, ["Drama"])


def test_ratings_are_left_out_as_asked(tmp_path: Path) -> None:
    rows = find_source("movielens-1m")(written(tmp_path), {"drop_ratings": [3]})["train"]
    assert [row["rating"] for row in rows] == [5, 2]


def test_timestamps_are_read_where_they_are(tmp_path: Path) -> None:
    (written(tmp_path) / "ratings.dat").write_text("2::7::4::978300760\n")
    (row,) = find_source("movielens-1m")(tmp_path, {})["train"]
    assert (row["user_id"], row["rating"], row["timestamp"]) == (2, 4, 978_300_760)


def test_a_rating_of_nobody_is_told(tmp_path: Path) -> None:
    (written(tmp_path) / "ratings_no_timestamp.csv").write_text("1,1,5\n3,1,3\n")
    rows = find_source("movielens-1m")(tmp_path, {})["train"]
    with pytest.raises(ValueError, match=r"`user_id` must be known\. Received: user_id=3 .*line 2"):
        list(rows)


@pytest.mark.long
def test_the_real_files_have_the_papers_rows() -> None:
    rows = find_source("movielens-1m")(real_data("ml-1m"), {"drop_ratings": [3]})["train"]
    assert sum(1 for _ in rows) == 739_012


USERS, FILMS = range(1, 13), range(1, 131)
LIKED = 10


def ranking_files(folder: Path) -> Path:
    draw = random.Random(3)
    ratings = [
        (user, film, 4 + film % 2) for user in USERS for film in draw.sample(range(1, 21), LIKED)
    ]
    ratings += [(user, film, 2) for user in USERS for film in draw.sample(FILMS, 5)]
    ratings += [(100, film, 5) for film in FILMS]  # so that there are films to draw from
    ratings += [(101 + copy, film, 5) for copy in range(4) for film in FILMS]
    ratings += [(200, 1, 5), (200, 2, 5)]  # too few likes
    (folder / "ratings_no_timestamp.csv").write_text(
        "".join(f"{user},{film},{rating}\n" for user, film, rating in ratings)
    )
    users = [*USERS, *range(100, 105), 200]
    (folder / "users.dat").write_text("".join(f"{user}::F::1::1::1\n" for user in users))
    (folder / "movies.dat").write_text("".join(f"{film}::A (1990)::Drama\n" for film in FILMS))
    return folder


def test_each_user_has_one_like_among_a_hundred_films(tmp_path: Path) -> None:
    parts = find_source("movielens-1m-ranking")(ranking_files(tmp_path), {})
    for part in ("validation", "test"):
        rows = list(parts[part])
        for start in range(0, len(rows), 100):
            group = rows[start : start + 100]
            assert len({row["user_id"] for row in group}) == 1
            assert len({row["movie_id"] for row in group}) == 100
            assert [row["label"] for row in group] == [1.0] + [0.0] * 99
        assert 200 not in {row["user_id"] for row in rows}


def test_likes_are_dealt_out_60_20_20_and_none_is_a_negative_of_training(tmp_path: Path) -> None:
    parts = find_source("movielens-1m-ranking")(ranking_files(tmp_path), {"negatives": 2})
    train = list(parts["train"])
    liked = {(row["user_id"], row["movie_id"]) for row in train if row["label"]}
    drawn = [(row["user_id"], row["movie_id"]) for row in train if not row["label"]]
    assert sum(user in USERS for user, _ in liked) == len(USERS) * 6
    assert len(drawn) == 2 * len(liked) - 2 * sum(user >= 100 for user, _ in liked) + sum(
        user >= 100 for user, _ in drawn
    )
    assert not liked & set(drawn)
    tested = [(row["user_id"], row["movie_id"]) for row in parts["test"] if row["label"]]
    assert not liked & set(tested)


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    ranking_files(tmp_path)
    one, again, other = (
        list(find_source("movielens-1m-ranking")(tmp_path, {"seed": seed})["train"])
        for seed in (1, 1, 2)
    )
    assert one == again != other
