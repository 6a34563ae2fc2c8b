from pathlib import Path

import pytest

from pipelines.sources.source import find_source
from tests.pipelines.sources.real_data import real_data

ROW = (
    "{age}, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, "
    "Male, 2174, 0, 40, ?, {label}\n"
)


def written(folder: Path, rows: int = 40) -> Path:
    lines = [
        ROW.format(age=20 + place, label=">50K" if place % 4 == 0 else "<=50K")
        for place in range(rows)
    ]
    (folder / "adult.data").write_text("".join(lines))
    (folder / "adult.test").write_text(
        "|1x3 Cross validator\n" + ROW.format(age=99, label=">50K.") + "\n"
    )
    return folder


def test_numbers_stay_numbers_and_a_question_mark_is_a_value(tmp_path: Path) -> None:
    (row,) = find_source("adult")(written(tmp_path), {})["test"]
    assert row == {
        "label": 1.0,
        "age": 99,
        "workclass": "State-gov",
        "fnlwgt": 77516,
        "education": "Bachelors",
        "education_num": 13,
        "marital_status": "Never-married",
        "occupation": "Adm-clerical",
        "relationship": "Not-in-family",
        "race": "White",
        "sex": "Male",
        "capital_gain": 2174,
        "capital_loss": 0,
        "hours_per_week": 40,
        "native_country": "?",
    }


def test_the_standard_split_deals_out_every_row_once(tmp_path: Path) -> None:
    parts = find_source("adult")(written(tmp_path), {"validation": 0.25})
    train, validation = ([row["age"] for row in parts[part]] for part in ("train", "validation"))
    assert len(train) == 30
    assert len(validation) == 10
    assert sorted(train + validation) == list(range(20, 60))


def test_the_seed_decides_the_split(tmp_path: Path) -> None:
    written(tmp_path)
    one, again, other = (
        find_source("adult")(tmp_path, {"seed": seed})["validation"] for seed in (1, 1, 2)
    )
    assert list(one) == list(again) != list(other)


def test_a_stratified_split_keeps_the_share_of_each_label(tmp_path: Path) -> None:
    parts = find_source("adult")(written(tmp_path), {"split": "stratified"})
    sizes = {part: len(list(rows)) for part, rows in parts.items()}
    positives = {part: sum(row["label"] for row in rows) for part, rows in parts.items()}
    assert sizes == {"train": 24, "validation": 8, "test": 8}
    assert positives == {"train": 6, "validation": 2, "test": 2}


@pytest.mark.parametrize("line", ["1, 2, 3\n", ROW.format(age=1, label="much")])
def test_a_broken_line_is_told(tmp_path: Path, line: str) -> None:
    with (written(tmp_path) / "adult.data").open("a") as file:
        file.write(line)
    with pytest.raises(ValueError, match=r"one of <=50K, >50K\..*adult\.data, line 41"):
        find_source("adult")(tmp_path, {})


def test_a_number_that_is_none_is_told(tmp_path: Path) -> None:
    (written(tmp_path) / "adult.data").write_text(ROW.format(age="old", label=">50K"))
    with pytest.raises(ValueError, match=r"`age` must be a whole number\..*adult\.data, line 1"):
        find_source("adult")(tmp_path, {})


def test_the_real_files_are_the_standard_split() -> None:
    parts = find_source("adult")(real_data("adult"), {})
    sizes = {part: len(list(rows)) for part, rows in parts.items()}
    assert sizes == {"train": 26_048, "validation": 6_513, "test": 16_281}
