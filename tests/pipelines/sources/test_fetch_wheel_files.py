import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from pipelines.sources.fetch_wheel_files import fetch_wheel_files

FIX = "Or use --data-dir."
MEMBERS = {"a.txt": "data_set/files/a.txt"}


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel in a folder that is the only index pip knows."""
    index = tmp_path / "index"
    index.mkdir()
    path = index / "data_set-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data_set/files/a.txt", "ratings")
        about = "Metadata-Version: 2.1\nName: data-set\nVersion: 1.0\n"
        archive.writestr("data_set-1.0.dist-info/METADATA", about)
        kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr("data_set-1.0.dist-info/WHEEL", kind)
        archive.writestr("data_set-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return path


def test_files_come_out_of_the_wheel_that_pip_finds(wheel: Path, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    fetch_wheel_files("data-set==1.0", sha256, MEMBERS, tmp_path / "cache" / "out", FIX)
    assert (tmp_path / "cache" / "out" / "a.txt").read_text() == "ratings"
    assert os.listdir(tmp_path / "cache") == ["out"]


def test_another_wheel_is_an_error_that_names_the_way_out(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must have the sha256 0+\. Received: .* --data-dir"):
        fetch_wheel_files("data-set==1.0", "0" * 64, MEMBERS, tmp_path / "out", FIX)
    assert not (tmp_path / "out").exists()


def test_a_wheel_without_the_file_is_an_error_and_leaves_nothing(
    wheel: Path, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=r"must contain 'b'.* --data-dir"):
        fetch_wheel_files("data-set==1.0", sha256, {"b": "b"}, tmp_path / "cache" / "out", FIX)
    assert os.listdir(tmp_path / "cache") == []


def test_an_index_without_the_wheel_is_an_error_that_names_the_way_out(
    wheel: Path, tmp_path: Path
) -> None:
    wheel.unlink()
    with pytest.raises(RuntimeError, match=r"pip must be able to download .* --data-dir"):
        fetch_wheel_files("data-set==1.0", "0" * 64, MEMBERS, tmp_path / "out", FIX)
