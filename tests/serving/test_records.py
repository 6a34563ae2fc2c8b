"""TFRecord files, read as they are asked for; semantics/test_3_11_warmup has TensorFlow's own."""

import io
import struct
import sys
from importlib import reload
from itertools import islice
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.status_error import Code, StatusError
from serving.wire import records
from serving.wire.records import read_records, write_records


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all reads from files that are opened through a `Path` from now on."""
    sizes: list[int] = []

    class Counted(io.FileIO):
        def readinto(self, buffer: Any) -> int:
            size = super().readinto(buffer) or 0
            sizes.append(size)
            return size

    monkeypatch.setattr(Path, "open", lambda path, mode: io.BufferedReader(Counted(path, mode)))
    return sizes


def test_sixteen_records_of_a_large_file_cost_little_more_than_sixteen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [bytes([n % 256]) * 10_000 for n in range(1000)]
    write_records(tmp_path / "r", rows)
    sizes = counted(monkeypatch)
    assert list(islice(read_records(tmp_path / "r"), 16)) == rows[:16]
    assert 160_000 < sum(sizes) < 160_000 + 2 * io.DEFAULT_BUFFER_SIZE
    assert max(sizes) < 10_000 + io.DEFAULT_BUFFER_SIZE


def test_a_length_that_the_file_does_not_hold_is_not_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = struct.pack("<Q", 2**62)
    data = head + struct.pack("<I", records._checksum(head)) + b"abc"
    (tmp_path / "r").write_bytes(data)
    sizes = counted(monkeypatch)
    with pytest.raises(StatusError, match=rf"corrupted record at 0 in {tmp_path / 'r'}"):
        list(read_records(tmp_path / "r"))
    assert sum(sizes) == len(data)


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20])
def test_records_of_any_size_come_back(size: int, tmp_path: Path) -> None:
    rows = [b"first", b"x" * size, b"last"]
    write_records(tmp_path / "r", rows)
    assert list(read_records(tmp_path / "r")) == rows


@pytest.mark.parametrize("damaged", range(19, 19 + 4 + 16))
def test_a_damaged_record_is_named_by_file_and_place_after_the_whole_ones(
    damaged: int, tmp_path: Path
) -> None:
    write_records(tmp_path / "r", [b"abc", b"defg"])
    data = bytearray((tmp_path / "r").read_bytes())
    data[damaged] ^= 1
    (tmp_path / "r").write_bytes(data)
    found = read_records(tmp_path / "r")
    assert next(found) == b"abc"
    with pytest.raises(StatusError, match=rf"corrupted record at 19 in {tmp_path / 'r'}") as caught:
        next(found)
    assert caught.value.code == Code.DATA_LOSS


def test_the_checksum_is_crc_32c() -> None:
    assert records._crc32c(b"123456789") == google_crc32c.value(b"123456789") == 0xE3069283


@given(st.binary(max_size=300))
def test_both_checksums_are_one(data: bytes) -> None:
    assert records._crc32c(data) == google_crc32c.value(data)


def test_the_library_s_checksum_is_taken_where_it_is_installed_and_ours_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert records._crc is google_crc32c.value
    write_records(tmp_path / "theirs", [b"abc"])
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "google_crc32c", None)
        reload(records)
    try:
        assert records._crc is records._crc32c
        records.write_records(tmp_path / "ours", [b"abc"])
        assert list(records.read_records(tmp_path / "theirs")) == [b"abc"]
    finally:
        reload(records)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
