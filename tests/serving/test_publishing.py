import functools
import multiprocessing
import operator
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest

from serving import prune, publish, rollback, versions
from serving.publishing.disk import clean, rename_new
from tests.serving.polling import eventually


def write(text: str) -> Callable[[Path], None]:
    def into(folder: Path) -> None:
        (folder / "saved_model.pb").write_text(text)
        (folder / "variables").mkdir()
        (folder / "variables" / "variables.index").write_text(text)

    return into


def hidden(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir() if path.name.startswith("."))


def test_versions_count_up_from_one(tmp_path: Path) -> None:
    base = tmp_path / "new" / "model"
    assert [publish(write("a"), base).name for _ in range(3)] == ["1", "2", "3"]
    assert hidden(base) == []
    assert (base / "3" / "variables" / "variables.index").read_text() == "a"


def test_the_next_number_is_above_everything_that_reads_as_one(tmp_path: Path) -> None:
    (tmp_path / "007").mkdir()
    (tmp_path / "9").touch()
    (tmp_path / "ten").mkdir()
    assert publish(write("a"), tmp_path).name == "10"


def test_nothing_is_there_until_everything_is(tmp_path: Path) -> None:
    def look(folder: Path) -> None:
        write("a")(folder)
        assert folder.parent == tmp_path
        assert versions(tmp_path) == {}
        assert hidden(tmp_path) == [folder.name]

    publish(look, tmp_path)
    assert list(versions(tmp_path)) == [1]


def test_a_write_that_fails_publishes_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        write("a")(folder)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        publish(fail, tmp_path)
    with pytest.raises(ValueError, match="`write` must write a SavedModel"):
        publish(lambda folder: None, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_published_folder_can_be_read_by_the_server_s_user(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        assert publish(write("a"), tmp_path).stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(umask)


def test_everything_is_synced_before_the_rename_and_the_name_after(
    tmp_path: Any, monkeypatch: Any
) -> None:
    done: list[str] = []
    real_fsync, real_rename = os.fsync, rename_new

    def fsync(handle: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{handle}").rpartition("/")[2])
        real_fsync(handle)

    def rename(source: Path, target: Path) -> None:
        done.append("rename")
        real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(sys.modules["serving.publishing.publish"], "rename_new", rename)
    publish(write("a"), tmp_path)
    place = done.index("rename")
    assert {"saved_model.pb", "variables.index", "variables"} <= set(done[:place])
    assert done[place + 1 :] == [tmp_path.name]


def _publish_many(base: Path, count: int) -> list[str]:
    return [publish(write(str(os.getpid())), base).name for _ in range(count)]


def test_publishers_that_race_get_different_numbers(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        jobs = [pool.apply_async(_publish_many, (tmp_path, 10)) for _ in range(2)]
        with ThreadPoolExecutor(3) as threads:
            here = list(threads.map(lambda _: _publish_many(tmp_path, 5), range(3)))
        names = [name for job in jobs for name in job.get(60)] + functools.reduce(
            operator.iadd, here, []
        )
    assert sorted(map(int, names)) == list(range(1, 36))
    assert hidden(tmp_path) == []


def test_a_name_that_is_taken_meanwhile_is_never_replaced(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for taken in ("empty", "full", "file"):
        target = tmp_path / taken
        target.touch() if taken == "file" else target.mkdir()
        if taken == "full":
            (target / "f").touch()
        with pytest.raises(FileExistsError):
            rename_new(source, target)
    rename_new(source, tmp_path / "free")
    assert (tmp_path / "free").is_dir()


_BUILDER = """
import sys, threading
from pathlib import Path
from serving import publish
def write(folder):
    (folder / "saved_model.pb").write_text("x")
    print(folder, flush=True)
    threading.Event().wait()
publish(write, Path(sys.argv[1]))
"""


def test_what_a_killed_publisher_left_is_removed_and_a_living_one_is_let_be(tmp_path: Path) -> None:
    builders = [
        subprocess.Popen(
            [sys.executable, "-c", _BUILDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        folders = [Path(builder.stdout.readline().strip()) for builder in builders]
        assert all(folder.is_dir() for folder in folders)
        assert clean(tmp_path) == []
        builders[0].send_signal(signal.SIGKILL)
        builders[0].wait(20)
        eventually(lambda: clean(tmp_path) == [folders[0]])
        assert folders[1].is_dir()
        builders[1].kill()
        builders[1].wait(20)
        assert publish(write("a"), tmp_path).name == "1"
        assert hidden(tmp_path) == []
    finally:
        for builder in builders:
            builder.kill()
            builder.wait(20)
            builder.stdout.close()


def test_old_versions_go_when_only_so_many_are_kept(tmp_path: Path) -> None:
    for _ in range(4):
        publish(write("a"), tmp_path)
    publish(write("b"), tmp_path, keep_last=2)
    assert list(versions(tmp_path)) == [4, 5]
    assert [path.name for path in prune(tmp_path, keep_last=1)] == ["4"]
    assert hidden(tmp_path) == []
    for keep_last in (0, -1):
        with pytest.raises(ValueError, match="`keep_last` must be positive"):
            publish(write("c"), tmp_path, keep_last=keep_last)
        with pytest.raises(ValueError, match="`keep_last` must be positive"):
            prune(tmp_path, keep_last=keep_last)
    assert list(versions(tmp_path)) == [5]


def test_a_rollback_is_a_new_version_with_the_old_content(tmp_path: Path) -> None:
    for text in "abc":
        publish(write(text), tmp_path)
    assert (rollback(tmp_path) / "saved_model.pb").read_text() == "b"
    assert (rollback(tmp_path, 1) / "saved_model.pb").read_text() == "a"
    assert list(versions(tmp_path)) == [1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match=r"`version` must be one of \[1, 2, 3, 4, 5\]"):
        rollback(tmp_path, 9)
    for name in ("2", "3", "4", "5"):
        shutil.rmtree(tmp_path / name)
    with pytest.raises(ValueError, match="`base_path` must hold two versions"):
        rollback(tmp_path)


HIGHEST = str(2**63 - 1)


def test_there_is_no_version_after_the_highest_that_servers_read(tmp_path: Path) -> None:
    (tmp_path / HIGHEST).mkdir()
    with pytest.raises(ValueError, match=rf"`base_path` must have a number left.*{HIGHEST}"):
        publish(write("a"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [HIGHEST]
    (tmp_path / HIGHEST).rename(tmp_path / str(2**63 - 2))
    assert publish(write("a"), tmp_path).name == HIGHEST


def test_a_number_that_nobody_reads_does_not_bar_the_next(tmp_path: Path) -> None:
    (tmp_path / str(2**63)).mkdir()
    assert publish(write("a"), tmp_path).name == "1"


def test_pruning_a_linked_version_removes_the_link_alone(tmp_path: Path) -> None:
    base, other = tmp_path / "m", tmp_path / "other"
    base.mkdir()
    other.mkdir()
    write("a")(other)
    (base / "1").symlink_to(other)
    (base / "2").symlink_to(tmp_path / "nothing")
    publish(write("b"), base)
    assert prune(base, keep_last=1) == [base / "1", base / "2"]
    assert [path.name for path in base.iterdir()] == ["3"]
    assert (other / "saved_model.pb").read_text() == "a"


def test_hidden_links_and_files_of_a_killed_prune_are_cleaned(tmp_path: Path) -> None:
    base, other = tmp_path / "m", tmp_path / "other"
    base.mkdir()
    other.mkdir()
    (base / ".tmp-a").symlink_to(other)
    (base / ".tmp-b").write_text("version 9 was a file")
    assert clean(base) == [base / ".tmp-a", base / ".tmp-b"]
    assert other.is_dir()


def pipe(folder: Path) -> None:
    write("a")(folder)
    os.mkfifo(folder / "variables" / "pipe")


def link_to_nothing(folder: Path) -> None:
    write("a")(folder)
    (folder / "pipe").symlink_to(folder / "nothing")


def pipe_for_a_model(folder: Path) -> None:
    os.mkfifo(folder / "saved_model.pb")


@pytest.mark.parametrize("into", [pipe, link_to_nothing, pipe_for_a_model])
def test_what_is_no_file_is_refused_and_not_waited_for(
    into: Callable[[Path], None], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="`write` must write"):
        publish(into, tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []
    with pytest.raises(ValueError, match="`write` must write"):
        publish(into, f"memory://{tmp_path.name}/m")
    assert versions(f"memory://{tmp_path.name}/m") == {}


def test_a_store_has_no_version_after_the_highest(tmp_path: Path) -> None:
    base = f"memory://{tmp_path.name}/m"
    copied = publish(write("a"), base)
    store = fsspec.filesystem("memory")
    store.mv(str(copied).removeprefix("memory:/"), f"/{tmp_path.name}/m/{HIGHEST}", recursive=True)
    assert list(versions(base)) == [int(HIGHEST)]
    with pytest.raises(ValueError, match="`base_path` must have a number left"):
        publish(write("a"), base)
    store.rm(f"/{tmp_path.name}", recursive=True)
