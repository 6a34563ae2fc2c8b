import builtins
import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.files.write_table import write_table

ROWS: list[dict[str, Any]] = [
    {"user": 7, "name": 'é "a", b', "score": 0.5, "tags": ["x", "y"], "age": None},
    {"user": 8, "name": "c", "score": 1e-9, "tags": [], "age": 3},
]


def given() -> Iterator[dict[str, Any]]:
    """The rows as a model gives them: NumPy numbers, arrays and bytes."""
    for row in ROWS:
        typed = {"user": np.int64(row["user"]), "name": row["name"].encode()}
        yield {**row, **typed, "tags": np.array(row["tags"], object)}


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".json", ".json.gz"])
def test_json_holds_the_rows(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"new/predictions{ending}"
    assert write_table(path, given()) == 2
    text = text_of(path)
    lines = [json.loads(line) for line in text.splitlines()] if ".jsonl" in ending else None
    assert (lines or json.loads(text)) == ROWS


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_csv_holds_the_rows_with_lists_in_cells(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"predictions{ending}"
    write_table(path, given())
    read = list(csv.DictReader(text_of(path).splitlines()))
    assert [row["name"] for row in read] == [row["name"] for row in ROWS]
    assert [float(row["score"]) for row in read] == [0.5, 1e-9]
    assert [row["tags"] for row in read] == ["x|y", ""]
    assert [row["age"] for row in read] == ["", "3"]


def test_parquet_holds_the_rows_however_many(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("pipelines.files.write_table._ROWS", 1)
    path = tmp_path / "predictions.parquet"
    write_table(path, [{**ROWS[0], "age": 4}, *given()])
    assert pq.read_table(path).to_pylist() == [{**ROWS[0], "age": 4}, *ROWS]
    with pytest.raises(ValueError, match=r"type of each column.*'x'"):
        write_table(path, [{"a": 1}, {"a": "x"}])


@pytest.mark.parametrize("name", ["a.txt", "a", "a.parquet.gz", "a.gz"])
def test_another_ending_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="`--output` must end in"):
        write_table(tmp_path / name, ROWS)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([], "`rows` must not be empty"),
        ([{"a": 1}, {"b": 1}], "must all have the columns a. Received: b in row 1"),
        ([{"a": 1.0}, {"a": float("nan")}], "finite numbers.* in row 1"),
    ],
)
def test_a_bad_row_leaves_what_was_there(tmp_path: Path, rows: list[Any], error: str) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_text("before")
    with pytest.raises(ValueError, match=error):
        write_table(path, rows)
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text("before")

    def rows() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_table(path, rows())
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_parquet_without_pyarrow_is_an_error_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"tfrs-afm\[pipelines\]"):
        write_table(tmp_path / "a.parquet", ROWS)
