from pathlib import Path

import pytest

from pipelines.readers.count_rows import count_rows
from tests.pipelines.readers.written_files import OPTIONS, row, write


@pytest.mark.parametrize("form", OPTIONS)
def test_rows_are_counted_without_parsing_them(form: str, tmp_path: Path) -> None:
    rows = [{**row(n), "word": "w"} for n in range(30)]
    ending = "" if form == "parquet" else ".gz"
    files = [write(tmp_path / "a", form, rows), write(tmp_path / f"b{ending}", form, rows[:7])]
    assert count_rows(files, OPTIONS[form]) == 37


def test_a_last_line_without_an_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text('{"a": 1}\n{"a": 2}')
    assert count_rows([path], OPTIONS["jsonl"]) == 2
