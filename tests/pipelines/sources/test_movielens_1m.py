from pathlib import Path

import pytest

from pipelines.sources.find_source import find_source
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
