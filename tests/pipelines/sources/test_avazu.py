from pathlib import Path

import pytest

from pipelines.sources.source import find_source

HEADER = [
    "id",
    "click",
    "hour",
    "C1",
    "banner_pos",
    "site_id",
    "site_domain",
    "site_category",
    "app_id",
    "app_domain",
    "app_category",
    "device_id",
    "device_ip",
    "device_model",
    "device_type",
    "device_conn_type",
    "C14",
    "C15",
    "C16",
    "C17",
    "C18",
    "C19",
    "C20",
    "C21",
]
# 26 October 2014 was a Sunday.
CELLS = ["10000169349117863715", "1", "14102623", "1005", "0", *["1fbe01fe"] * 18, ""]


def written(folder: Path, *lines: list[str]) -> Path:
    (folder / "train").write_text("".join(",".join(cells) + "\n" for cells in lines))
    return folder


def rows(folder: Path) -> list[dict]:
    return list(find_source("avazu")(folder, {"file": "train"})["train"])


def test_the_hour_of_the_log_becomes_what_recurs_and_the_id_is_left_out(tmp_path: Path) -> None:
    (row,) = rows(written(tmp_path, HEADER, CELLS))
    assert (row["click"], row["hour"], row["weekday"], row["weekend"]) == (1.0, 23, 6, 1)
    assert (row["C1"], row["banner_pos"], row["C20"], row["C21"]) == ("1005", "0", "1fbe01fe", None)
    assert "id" not in row
    assert len(row) == 4 + 21


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([HEADER, CELLS[:-1]], r"A line must have 24 cells\. Received: 23 cells .*line 2"),
        ([CELLS], r"`file` must begin with the header of Avazu"),
        ([HEADER, ["1", "2", *CELLS[2:]]], r"`click` must be 0 or 1\. .* click='2' .* line 2"),
        ([HEADER, ["1", "1", "14132623", *CELLS[3:]]], r"`hour` must be YYMMDDHH\. .* line 2"),
    ],
)
def test_a_broken_line_is_told(tmp_path: Path, lines: list[list[str]], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        rows(written(tmp_path, *lines))
