"""Publishing to addresses: on fsspec's store in memory, and on moto's S3 server by real s3fs."""

import errno
import functools
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest

from serving import prune, publish, rollback, versions
from serving.publishing import object_store
from tests.serving.stores.addresses import NAMES, files, opened, put, read, write


def test_versions_count_up_from_one(base: str) -> None:
    assert versions(base) == {}
    assert [publish(write(text), base) for text in "abc"] == [f"{base}/{n}" for n in (1, 2, 3)]
    assert versions(base) == {n: f"{base}/{n}" for n in (1, 2, 3)}
    assert files(base) == [f"{n}/{name}" for n in (1, 2, 3) for name in NAMES]
    assert read(f"{base}/2", "variables/variables.index") == "b"


def test_a_slash_at_the_end_changes_nothing(base: str) -> None:
    assert publish(write("a"), f"{base}/") == f"{base}/1"
    assert versions(f"{base}/") == versions(base) == {1: f"{base}/1"}


@pytest.mark.parametrize(
    ("there", "number"),
    [("007/variables/x", 8), (".claim-3", 4), (".claim-4-0ab", 5), ("ten/x", 1), ("-3/x", 1)],
)
def test_the_next_number_is_above_all_versions_uploads_and_claims(
    there: str, number: int, base: str
) -> None:
    put(f"{base}/{there}")
    assert publish(write("a"), base) == f"{base}/{number}"
    assert list(versions(base)) == [number]


@pytest.mark.long
def test_what_another_process_published_is_seen_at_once(s3: str) -> None:
    publish(write("a"), s3)
    store, path = opened(s3)
    assert store.ls(path, detail=False) == [f"{path}/1"]
    assert list(versions(s3)) == [1]
    other = fsspec.filesystem("s3", skip_instance_cache=True)
    other.pipe_file(f"{path}/5/saved_model.pb", b"by another process")
    assert store.ls(path, detail=False) == [f"{path}/1", f"{path}/5"]
    assert list(versions(s3)) == [1, 5]
    assert publish(write("b"), s3) == f"{s3}/6"


def test_saved_model_pb_is_uploaded_last(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, path = opened(base)
    copied, real_put = [], store.put_file

    def put_file(source: str, target: str) -> None:
        assert versions(base) == {}
        real_put(source, target)
        copied.append(target.removeprefix(f"{path}/1/"))

    monkeypatch.setattr(store, "put_file", put_file)
    publish(write("a"), base)
    assert copied[-1] == "saved_model.pb"
    assert sorted(copied) == NAMES


@pytest.mark.matrix
@pytest.mark.parametrize("moment", range(4))
def test_an_upload_that_fails_leaves_nothing_and_its_number_is_free(
    moment: int, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(write("a"), base)
    store, _ = opened(base)
    copied, real_put = [], store.put_file

    def put_file(source: str, target: str) -> None:
        if len(copied) == moment:
            raise TimeoutError("the store is away")
        real_put(source, target)
        copied.append(target)
        if len(copied) == moment == len(NAMES):
            raise KeyboardInterrupt

    monkeypatch.setattr(store, "put_file", put_file)
    with pytest.raises(KeyboardInterrupt if moment == len(NAMES) else TimeoutError):
        publish(write("b"), base)
    monkeypatch.undo()
    assert len(copied) == moment
    assert files(base) == [f"1/{name}" for name in NAMES]
    assert publish(write("c"), base) == f"{base}/2"


def test_where_the_rest_cannot_be_removed_the_first_error_is_told(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = opened(base)
    real_put = store.put_file

    def put_file(source: str, target: str) -> None:
        if target.endswith("saved_model.pb"):
            raise OSError(errno.ENOSPC, "the store is full")
        real_put(source, target)

    def away(_: str) -> None:
        raise RuntimeError("the store is away")

    monkeypatch.setattr(store, "put_file", put_file)
    monkeypatch.setattr(store, "rm_file", away)
    with pytest.raises(OSError, match="the store is full"):
        publish(write("a"), base)
    monkeypatch.undo()
    assert versions(base) == {}
    assert publish(write("b"), base) == f"{base}/2"  # what is left of 1 is never mixed with 2


def test_a_write_that_fails_uploads_nothing(base: str) -> None:
    def fail(folder: Path) -> None:
        write("a")(folder)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        publish(fail, base)
    with pytest.raises(ValueError, match="`write` must write a SavedModel"):
        publish(lambda folder: None, base)
    assert files(base) == []


def let_all_look_first(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each thread, the first look at what is there ends when all have looked."""
    barrier, looked, look = threading.Barrier(threads, timeout=60), set(), object_store._names

    def names(store: Any, path: str) -> set[str]:
        found = look(store, path)
        if threading.get_ident() not in looked:
            looked.add(threading.get_ident())
            barrier.wait()
        return found

    monkeypatch.setattr(object_store, "_names", names)


@pytest.mark.matrix
def test_publishers_that_race_get_different_numbers(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_all_look_first(4, monkeypatch)
    with ThreadPoolExecutor(4) as threads:
        published = list(threads.map(lambda n: publish(write(str(n)), base), range(8)))
    assert len(set(published)) == 8
    assert [read(address) for address in published] == [str(n) for n in range(8)]
    assert len(files(base)) == 8 * len(NAMES)


PUBLISH_FOUR = """
import sys
from pathlib import Path
from serving import publish
from serving.publishing import object_store

look = object_store._names

def look_and_wait(store, path):
    object_store._names = look
    found = look(store, path)
    print("looked", flush=True)
    sys.stdin.readline()
    return found

object_store._names = look_and_wait
for text in sys.argv[2:]:
    print(publish(lambda folder: (folder / "saved_model.pb").write_text(text), sys.argv[1]))
"""


@pytest.mark.long
def test_processes_that_race_get_different_numbers(s3: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PUBLISH_FOUR, s3, *texts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for texts in ("abcd", "efgh")
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "looked\n"  # and both will claim the number 1
    said = []
    with ThreadPoolExecutor(2) as threads:
        for out, _ in threads.map(lambda process: process.communicate("go\n"), started):
            said += out.split()
    assert len(said) == 8
    assert sorted(said) == sorted(versions(s3).values())
    assert [read(address) for address in said] == list("abcdefgh")
    assert len(files(s3)) == 8  # and no claim is left


def test_a_claim_that_a_listing_does_not_show_still_holds(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(f"{base}/.claim-1")
    store, _ = opened(base)
    real_ls, looks = store.ls, []

    def ls(path: str, **options: Any) -> Any:
        looks.append(path)
        return [] if len(looks) == 1 else real_ls(path, **options)

    monkeypatch.setattr(store, "ls", ls)
    monkeypatch.setattr(object_store, "_PAUSE_SECONDS", 0.0)
    assert publish(write("a"), base) == f"{base}/2"
    assert files(base) == [".claim-1", *(f"2/{name}" for name in NAMES)]


def test_who_sees_another_claim_on_the_number_withdraws(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = opened(base)
    real_ls, looks = store.ls, []

    def ls(path: str, **options: Any) -> Any:
        looks.append(path)
        if len(looks) == 2:  # we have claimed 1, and so has somebody else
            put(f"{base}/.claim-1-ab")
        return real_ls(path, **options)

    monkeypatch.setattr(store, "ls", ls)
    monkeypatch.setattr(object_store, "_PAUSE_SECONDS", 0.0)
    assert publish(write("a"), base) == f"{base}/2"
    assert len(looks) == 4
    assert files(base) == [".claim-1-ab", *(f"2/{name}" for name in NAMES)]


@pytest.mark.parametrize("meanwhile", [1, 4])
def test_who_sees_the_number_or_a_higher_one_published_meanwhile_goes_above(
    meanwhile: int, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = opened(base)
    real_ls, looks = store.ls, []

    def ls(path: str, **options: Any) -> Any:
        looks.append(path)
        if len(looks) == 2:
            put(f"{base}/{meanwhile}/variables/x")
        return real_ls(path, **options)

    monkeypatch.setattr(store, "ls", ls)
    monkeypatch.setattr(object_store, "_PAUSE_SECONDS", 0.0)
    assert publish(write("a"), base) == f"{base}/{meanwhile + 1}"


def ignore(real: Callable[..., None], path: str, data: bytes, **_: Any) -> None:
    real(path, data)


def without(
    error: Exception, real: Callable[..., None], path: str, data: bytes, **mode: Any
) -> None:
    if mode:
        raise error
    real(path, data)


@pytest.mark.parametrize(
    "pipe_file",
    [
        ignore,
        functools.partial(without, TypeError("unexpected keyword argument 'mode'")),
        functools.partial(without, NotImplementedError()),
        functools.partial(without, OSError(errno.ENOSYS, "a header is not implemented")),
    ],
    ids=["ignored", "unknown", "not implemented", "501"],
)
def test_a_store_without_conditions_gives_different_numbers_too(
    pipe_file: Callable[..., None], memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = opened(memory)
    monkeypatch.setattr(store, "pipe_file", functools.partial(pipe_file, store.pipe_file))
    let_all_look_first(4, monkeypatch)
    with ThreadPoolExecutor(4) as threads:
        published = list(threads.map(lambda n: publish(write(str(n)), memory), range(8)))
    assert len(set(published)) == 8
    assert [read(address) for address in published] == [str(n) for n in range(8)]


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_a_refusal_of_the_condition_is_told_by_its_code_too(
    code: str, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = opened(memory)
    real, refused = store.pipe_file, []

    class Refusal(Exception):
        response: dict[str, Any] = {"Error": {"Code": code}}  # noqa: RUF012  as botocore has it

    def pipe_file(path: str, data: bytes, **mode: Any) -> None:
        if not refused:
            refused.append(path)
            raise OSError(errno.EINVAL, code) from Refusal()
        real(path, data, **mode)

    monkeypatch.setattr(store, "pipe_file", pipe_file)
    monkeypatch.setattr(object_store, "_PAUSE_SECONDS", 0.0)
    assert publish(write("a"), memory) == f"{memory}/1"
    assert refused


def test_old_versions_go_and_unfinished_ones_stay(base: str) -> None:
    put(f"{base}/1/variables/x")
    for text in "abcd":
        publish(write(text), base)
    assert prune(base, keep_last=3) == [f"{base}/2"]
    publish(write("e"), base, keep_last=2)
    assert list(versions(base)) == [5, 6]
    kept = [f"{n}/{name}" for n in (5, 6) for name in NAMES]
    assert files(base) == ["1/variables/x", *kept]


def test_saved_model_pb_is_removed_first_and_what_stays_after_it_is_no_version(
    base: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(write("a"), base)
    publish(write("b"), base)
    store, _ = opened(base)
    real, removed = store.rm_file, []

    def rm_file(path: str) -> None:
        if removed:
            raise TimeoutError("the store is away")
        real(path)
        removed.append(path)

    monkeypatch.setattr(store, "rm_file", rm_file)
    assert prune(base, keep_last=1) == [f"{base}/1"]
    assert [one.rpartition("/")[2] for one in removed] == ["saved_model.pb"]
    assert list(versions(base)) == [2]
    assert "the store is away" in caplog.text


def test_a_version_that_cannot_be_removed_is_not_told_as_removed(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(write("a"), base)
    publish(write("b"), base)
    store, _ = opened(base)

    def away(_: str) -> None:
        raise TimeoutError("the store is away")

    monkeypatch.setattr(store, "rm_file", away)
    assert prune(base, keep_last=1) == []
    assert list(versions(base)) == [1, 2]


def test_a_rollback_is_a_new_version_with_the_old_content(base: str) -> None:
    for text in "ab":
        publish(write(text), base)
    assert rollback(base) == f"{base}/3"
    assert [read(f"{base}/3", name) for name in NAMES] == ["a"] * 3
    with pytest.raises(ValueError, match=r"`version` must be one of \[1, 2, 3\]"):
        rollback(base, 9)
