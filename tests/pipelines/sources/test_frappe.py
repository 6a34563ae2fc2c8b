from pathlib import Path

import pytest

from pipelines.sources.source import find_source
from tests.pipelines.sources.real_data import real_data

LINES = (
    "1 3:1 960:1 5039:1 5046:1 5054:1 5055:1 5059:1 5068:1 5148:1 5381:1\r\n"
    "-1 956:1 957:1 5045:1 5052:1 5053:1 5057:1 5058:1 5060:1 5069:1 5149:1\r\n"
)


def written(folder: Path, text: str = LINES) -> Path:
    for part in ("train", "validation"):
        (folder / f"frappe.{part}.libfm").write_bytes(text.encode())
    return folder


def test_each_field_counts_its_own_ids(tmp_path: Path) -> None:
    parts = find_source("frappe")(written(tmp_path), {})
    assert list(parts) == ["train", "validation"]
    positive, negative = parts["train"]
    assert positive == {
        "label": 1.0,
        "user": 3,
        "item": 3,
        "daytime": 0,
        "weekday": 0,
        "isweekend": 1,
        "homework": 0,
        "cost": 1,
        "weather": 8,
        "country": 79,
        "city": 232,
    }
    assert negative["label"] == 0.0
    assert (negative["user"], negative["item"], negative["weather"]) == (956, 0, 0)


def test_rows_can_be_read_again(tmp_path: Path) -> None:
    rows = find_source("frappe")(written(tmp_path), {})["validation"]
    assert list(rows) == list(rows)


def test_signed_labels_are_those_of_the_file(tmp_path: Path) -> None:
    rows = find_source("frappe")(written(tmp_path), {"labels": "signed"})["train"]
    assert [row["label"] for row in rows] == [1.0, -1.0]


def test_a_test_part_is_read_where_there_is_one(tmp_path: Path) -> None:
    (written(tmp_path) / "frappe.test.libfm").write_text(LINES.splitlines()[0])
    assert len(list(find_source("frappe")(tmp_path, {})["test"])) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 3:1 4:1\n", r"A line must have 11 cells\. Received: 3 cells in .*train\.libfm, line 1"),
        (LINES.replace("960:1", "x:1"), r"`item` must be a whole number\. Received: item='x'"),
        (LINES.replace("960:1", "7:1"), r"`item` must be an id in \[957, 5039\)\. .* line 1"),
        ("", r"must hold rows\. Received: an empty file"),
    ],
)
def test_a_broken_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    parts = find_source("frappe")(written(tmp_path, text), {})
    with pytest.raises(ValueError, match=told):
        list(parts["train"])


def test_a_missing_folder_or_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`data\.path` must be the folder .*--set data\.path"):
        find_source("frappe")(None, {})
    with pytest.raises(ValueError, match=r"`data\.path` must hold frappe\.train\.libfm"):
        find_source("frappe")(tmp_path, {})


def test_a_wrong_setting_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`label` must be a known key.*Did you mean labels\?"):
        find_source("frappe")(written(tmp_path), {"label": "signed"})


def test_the_real_files_are_the_papers_split() -> None:
    parts = find_source("frappe")(real_data("frappe"), {})
    rows = list(parts["validation"])
    assert len(rows) == 57_722
    assert sum(row["label"] for row in rows) == 19_063
