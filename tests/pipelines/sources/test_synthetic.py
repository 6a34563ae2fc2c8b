import pytest

from pipelines.sources.source import find_source


def test_the_pair_decides_the_label() -> None:
    parts = find_source("synthetic")(None, {"rows": [50, 0, 20], "pair": [0, 2], "fields": 3})
    assert {part: len(list(rows)) for part, rows in parts.items()} == {"train": 50, "test": 20}
    for rows in parts.values():
        for row in rows:
            assert row["label"] == (row["field_0"] + row["field_2"]) % 2


def test_no_field_alone_says_anything() -> None:
    rows = list(find_source("synthetic")(None, {"rows": [4000, 0, 0]})["train"])
    for place in range(4):
        ones = [row["label"] for row in rows if row[f"field_{place}"] == 3]
        assert abs(sum(ones) / len(ones) - 0.5) < 0.1


def test_noise_turns_labels_round() -> None:
    rows = list(find_source("synthetic")(None, {"rows": [4000, 0, 0], "noise": 0.2})["train"])
    wrong = sum(row["label"] != (row["field_1"] + row["field_3"]) % 2 for row in rows)
    assert abs(wrong / 4000 - 0.2) < 0.03


def test_parts_and_seeds_differ() -> None:
    settings = {"rows": [50, 50, 0]}
    parts = find_source("synthetic")(None, settings)
    assert list(parts["train"]) == list(parts["train"]) != list(parts["validation"])
    other = find_source("synthetic")(None, settings | {"seed": 2})
    assert list(parts["train"]) != list(other["train"])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ids": 3}, "`ids` must be even"),
        ({"pair": [3, 1]}, r"`pair` must be two of the fields 0 to 3, ascending"),
        ({"rows": [0, 1, 1]}, "`rows` must not be below 0, and above 0 for training"),
        ({"noise": 0.7}, r"`noise` must be at most 0\.5"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        find_source("synthetic")(None, settings)
