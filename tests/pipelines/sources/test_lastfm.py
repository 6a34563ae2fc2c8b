import json
from pathlib import Path

import pytest

from pipelines.sources.source import find_source
from tests.pipelines.sources.real_data import real_data


def written(folder: Path) -> Path:
    (folder / "LastFM.txt").write_text("1 1 2 3 4 5\n2 3 1 150 2\n")
    given = list(range(50, 149))
    (folder / "LastFM_sample.txt").write_text(
        "".join(f"{user} {' '.join(map(str, given))}\n" for user in (1, 2))
    )
    attributes = {"2": [7, 3, 7], "5": [1]}
    (folder / "LastFM_item2attributes.json").write_text(json.dumps(attributes))
    return folder


def test_each_item_is_learnt_after_those_before_it(tmp_path: Path) -> None:
    train = list(find_source("lastfm")(written(tmp_path), {"negatives": 2})["train"])
    events = [(row["user_id"], row["history"], row["item_id"]) for row in train if row["label"]]
    assert events == [(1, [1], 2), (1, [1, 2], 3), (2, [3], 1)]
    assert [row["label"] for row in train] == [1.0, 0.0, 0.0] * 3
    assert train[0]["attributes"] == [3, 7]


def test_drawn_items_are_none_that_the_user_is_known_to_have(tmp_path: Path) -> None:
    train = find_source("lastfm")(written(tmp_path), {"negatives": 50})["train"]
    drawn = {row["item_id"] for row in train if row["user_id"] == 1 and not row["label"]}
    assert not drawn & {1, 2, 3}
    assert min(drawn) >= 1
    assert max(drawn) <= 150


def test_the_last_item_is_tested_against_the_given_ones(tmp_path: Path) -> None:
    test = list(find_source("lastfm")(written(tmp_path), {})["test"])
    first = test[:100]
    assert [row["item_id"] for row in first] == [5, *range(50, 149)]
    assert [row["label"] for row in first] == [1.0] + [0.0] * 99
    assert {tuple(row["history"]) for row in first} == {(1, 2, 3, 4)}
    assert len(test) == 200


def test_the_item_before_is_validated_against_drawn_ones(tmp_path: Path) -> None:
    validation = list(find_source("lastfm")(written(tmp_path), {})["validation"])[:100]
    assert validation[0]["item_id"] == 4
    assert validation[0]["history"] == [1, 2, 3]
    assert not {row["item_id"] for row in validation[1:]} & {1, 2, 3, 4, 5}
    assert len({row["item_id"] for row in validation}) == 100


def test_a_history_keeps_its_newest_items(tmp_path: Path) -> None:
    test = next(iter(find_source("lastfm")(written(tmp_path), {"history": 2})["test"]))
    assert test["history"] == [3, 4]


def test_rows_are_the_same_each_time(tmp_path: Path) -> None:
    parts = find_source("lastfm")(written(tmp_path), {})
    for rows in parts.values():
        assert list(rows) == list(rows)
    other = find_source("lastfm")(tmp_path, {"seed": 2})
    assert list(other["train"]) != list(parts["train"])


def test_broken_files_are_told(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "LastFM.txt").write_text("1 1 2 3\n")
    with pytest.raises(ValueError, match=r"`user` must have four items or more.*user=1 with 3"):
        find_source("lastfm")(tmp_path, {})
    (tmp_path / "LastFM.txt").write_text("1 0 2 3 4\n")
    with pytest.raises(ValueError, match=r"`item` must be 1 or more"):
        find_source("lastfm")(tmp_path, {})
    written(tmp_path)
    (tmp_path / "LastFM_item2attributes.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"must be an object of lists of numbers"):
        find_source("lastfm")(tmp_path, {})


def test_the_real_files_are_those_of_the_paper() -> None:
    parts = find_source("lastfm")(real_data("lastfm"), {"negatives": 1})
    assert sum(1 for _ in parts["train"]) == 2 * (52_551 - 3 * 1_090)
    assert sum(row["label"] for row in parts["test"]) == 1_090
