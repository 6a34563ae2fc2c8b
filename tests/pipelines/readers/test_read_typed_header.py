from pathlib import Path

import pytest

from pipelines.readers.read_typed_header import read_typed_header


def test_columns_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "t.item"
    path.write_bytes("id:token\ttitle:token_seq\r\n1\tÀ\x85 b\r\n2\t\r\n".encode())
    assert read_typed_header(path) == {"id": ["1", "2"], "title": ["À\x85 b", ""]}


@pytest.mark.parametrize(
    ("text", "error"),
    [("", "must have a header line"), ("a:token\tb:token\n1\t2\n3\n", "1 cells in line 3")],
)
def test_a_broken_table_is_an_error_that_names_file_and_line(
    tmp_path: Path, text: str, error: str
) -> None:
    path = tmp_path / "t.item"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"t.item.*{error}"):
        read_typed_header(path)
