from pathlib import Path

import pytest

from pipelines.sources.source import find_source
from tests.pipelines.sources.real_data import real_data

CELLS = ["1", "", "-2", *map(str, range(3, 14)), *[f"{number:08x}" for number in range(25)], ""]


def written(folder: Path, cells: list[str] = CELLS) -> Path:
    (folder / "train.txt").write_text("\t".join(cells) + "\n")
    return folder


def test_an_empty_cell_has_no_value(tmp_path: Path) -> None:
    (row,) = find_source("criteo")(written(tmp_path), {})["train"]
    assert (row["label"], row["I1"], row["I2"], row["I13"]) == (1.0, None, -2, 13)
    assert (row["C1"], row["C25"], row["C26"]) == ("00000000", "00000018", None)
    assert len(row) == 40


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (CELLS[:-1], r"A line must have 40 cells\. Received: 39 cells .*line 1"),
        (["2", *CELLS[1:]], r"`label` must be 0 or 1\. Received: label='2'"),
        ([*CELLS[:3], "3.5", *CELLS[4:]], r"`I3` must be a whole number\. Received: I3='3\.5'"),
    ],
)
def test_a_broken_line_is_told(tmp_path: Path, cells: list[str], told: str) -> None:
    rows = find_source("criteo")(written(tmp_path, cells), {})["train"]
    with pytest.raises(ValueError, match=told):
        list(rows)


def test_the_real_rows_are_read() -> None:
    settings = {"file": "criteo_first10k.tsv"}
    rows = list(find_source("criteo")(real_data("criteo-sample"), settings)["train"])
    assert len(rows) == 10_000
    assert rows[0]["C1"] == "68fd1e64"
