import os
from pathlib import Path

import pytest

from pipelines.files.atomic import atomic_folder, content_hash, write_text


def test_a_folder_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "parent" / "out"
    with atomic_folder(out) as folder:
        (folder / "a").write_text("1")
        assert not out.exists()
    assert (out / "a").read_text() == "1"
    assert os.listdir(out.parent) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_folder_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException]
) -> None:
    out = tmp_path / "out"
    with atomic_folder(out) as folder:
        (folder / "a").write_text("old")

    def interrupted() -> None:
        with atomic_folder(out) as folder:
            (folder / "a").write_text("new")
            raise error

    with pytest.raises(error):
        interrupted()
    assert (out / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_folder_replaces_an_older_one(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with atomic_folder(tmp_path / "out") as folder:
            (folder / text).write_text(text)
    assert os.listdir(tmp_path / "out") == ["new"]
    assert os.listdir(tmp_path) == ["out"]


def test_an_old_folder_comes_back_when_the_rename_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_text("old")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.suffix == ".partial":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space left"), atomic_folder(out):
        pass
    assert (out / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_text_is_replaced_whole_and_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "metrics.json"
    write_text(path, "old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    monkeypatch.undo()
    write_text(path, "é")
    assert path.read_bytes() == "é".encode()
    assert os.listdir(path.parent) == ["metrics.json"]


def test_a_key_changes_with_contents_and_settings_and_not_with_the_place(tmp_path: Path) -> None:
    a, b, c = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    for path, text in ((a, "x"), (b, "x"), (c, "y")):
        path.write_text(text)
    key = content_hash([a], {"n": 1, "m": 2})
    assert key == content_hash([b], {"m": 2, "n": 1})
    assert key != content_hash([c], {"n": 1, "m": 2})
    assert key != content_hash([a], {"n": 2, "m": 2})
    assert content_hash([a, c], {}) != content_hash([c, a], {})
