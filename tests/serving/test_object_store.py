"""Publishing to addresses, on TensorFlow's file system in memory."""

import importlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

import serving
from serving import prune, publish, rollback, versions
from serving.__main__ import main
from tests.serving.exported import Exported
from tests.serving.exporting import rankers

gfile = tf.io.gfile
NAMES = ["assets.extra/tfrs_afm.json", "saved_model.pb", "variables/variables.index"]


@pytest.fixture
def base() -> str:
    return f"ram://{uuid.uuid4().hex}/ranker"


def write(text: str) -> Callable[[Path], None]:
    def into(folder: Path) -> None:
        for name in NAMES:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    return into


def read(address: Any, name: str = "saved_model.pb") -> str:
    with gfile.GFile(f"{address}/{name}") as file:
        return str(file.read())


def files(address: str) -> list[str]:
    """All files under an address."""
    return sorted(
        f"{place}/{name}".removeprefix(address + "/")
        for place, _, names in gfile.walk(address)
        for name in names
    )


def test_versions_count_up_from_one(base: str) -> None:
    assert versions(base) == {}
    assert [publish(write(text), base) for text in "abc"] == [f"{base}/{n}" for n in (1, 2, 3)]
    assert versions(base) == {n: f"{base}/{n}" for n in (1, 2, 3)}
    assert files(base) == [f"{n}/{name}" for n in (1, 2, 3) for name in NAMES]
    assert read(f"{base}/2", "variables/variables.index") == "b"


def test_a_slash_at_the_end_changes_nothing(base: str) -> None:
    assert publish(write("a"), f"{base}/") == f"{base}/1"
    assert versions(f"{base}/") == versions(base) == {1: f"{base}/1"}


def test_the_next_number_is_above_everything_that_reads_as_one(base: str) -> None:
    gfile.makedirs(f"{base}/007")  # a version that is being uploaded has a number already
    gfile.makedirs(f"{base}/ten")
    assert publish(write("a"), base) == f"{base}/8"
    assert list(versions(base)) == [8]


def test_saved_model_pb_is_uploaded_last(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copied, real_copy = [], gfile.copy

    def copy(source: str, target: str) -> None:
        assert versions(base) == {}
        real_copy(source, target)
        copied.append(target.removeprefix(f"{base}/1/"))

    monkeypatch.setattr(gfile, "copy", copy)
    publish(write("a"), base)
    assert copied[-1] == "saved_model.pb"
    assert sorted(copied) == NAMES


@pytest.mark.parametrize("moment", range(4))
def test_an_upload_that_fails_leaves_nothing_and_its_number_is_free(
    moment: int, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(write("a"), base)
    copied, real_copy = [], gfile.copy

    def copy(source: str, target: str) -> None:
        if len(copied) == moment:
            raise tf.errors.UnavailableError(None, None, "the store is away")
        real_copy(source, target)
        copied.append(target)
        if len(copied) == moment == len(NAMES):
            raise KeyboardInterrupt

    monkeypatch.setattr(gfile, "copy", copy)
    error = KeyboardInterrupt if moment == len(NAMES) else tf.errors.UnavailableError
    with pytest.raises(error):
        publish(write("b"), base)
    monkeypatch.undo()
    assert len(copied) == moment
    assert files(base) == [f"1/{name}" for name in NAMES]
    assert publish(write("c"), base) == f"{base}/2"


def test_where_the_rest_cannot_be_removed_the_first_error_is_told(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise tf.errors.UnavailableError(None, None, "the store is away")

    def full(*_: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "the store is full")

    monkeypatch.setattr(gfile, "copy", full)
    monkeypatch.setattr(gfile, "remove", away)
    monkeypatch.setattr(gfile, "rmtree", away)
    with pytest.raises(tf.errors.ResourceExhaustedError):
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
    assert not gfile.exists(base)


def test_publishers_that_race_get_different_numbers(base: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        published = list(threads.map(lambda n: publish(write(str(n)), base), range(8)))
    assert len(set(published)) == 8
    assert [read(address) for address in published] == [str(n) for n in range(8)]
    assert len(files(base)) == 8 * len(NAMES)


def test_who_sees_another_claim_on_the_number_withdraws(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("serving.publishing.object_store.claim")
    real_names, looks = module.store_names, []

    def names(folder: str) -> list[str]:
        looks.append(real_names(folder))
        if len(looks) == 2:  # we have claimed 1, and so has somebody else
            with gfile.GFile(f"{base}/.claim-1-ab", "w") as file:
                file.write("1")
            return list(real_names(folder))
        return looks[-1]

    monkeypatch.setattr(module, "store_names", names)
    monkeypatch.setattr(module.random, "uniform", lambda *_: 0.0)
    assert publish(write("a"), base) == f"{base}/2"
    assert len(looks) == 4
    assert files(base) == [".claim-1-ab", *(f"2/{name}" for name in NAMES)]


@pytest.mark.parametrize("meanwhile", [1, 4])
def test_who_sees_the_number_or_a_higher_one_published_meanwhile_goes_above(
    meanwhile: int, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("serving.publishing.object_store.claim")
    real_names, looks = module.store_names, []

    def names(folder: str) -> list[str]:
        looks.append(folder)
        if len(looks) == 2:
            gfile.makedirs(f"{base}/{meanwhile}")
        return list(real_names(folder))

    monkeypatch.setattr(module, "store_names", names)
    monkeypatch.setattr(module.random, "uniform", lambda *_: 0.0)
    assert publish(write("a"), base) == f"{base}/{meanwhile + 1}"


def test_old_versions_go_and_unfinished_ones_stay(base: str) -> None:
    gfile.makedirs(f"{base}/1/variables")
    for text in "abcd":
        publish(write(text), base)
    assert prune(base, keep_last=3) == [f"{base}/2"]
    publish(write("e"), base, keep_last=2)
    assert list(versions(base)) == [5, 6]
    assert gfile.exists(f"{base}/1")
    assert not gfile.exists(f"{base}/4")


def test_a_rollback_is_a_new_version_with_the_old_content(base: str) -> None:
    for text in "ab":
        publish(write(text), base)
    assert rollback(base) == f"{base}/3"
    assert [read(f"{base}/3", name) for name in NAMES] == ["a"] * 3
    with pytest.raises(ValueError, match=r"`version` must be one of \[1, 2, 3\]"):
        rollback(base, 9)


def test_a_path_made_of_an_address_is_refused() -> None:
    with pytest.raises(ValueError, match="`base_path` must be a string for an object store"):
        publish(write("a"), Path("gs://bucket/ranker"))
    with pytest.raises(ValueError, match="`base_path` must be a local folder"):
        serving.write_server_files("gs://bucket/ranker")


def test_the_command_line_takes_addresses(
    base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a")(tmp_path)
    assert main(["publish", str(tmp_path), base]) == 0
    assert main(["rollback", base, "--to_version", "1"]) == 0
    assert capsys.readouterr().out.split() == [f"{base}/1", f"{base}/2"]


@pytest.mark.long
def test_an_exported_model_answers_from_the_store(deepfm: Exported, base: str) -> None:
    address = serving.export(deepfm.model, base)
    assert address == f"{base}/1"
    assert "assets.extra/tf_serving_warmup_requests" in files(f"{base}/1")
    rows = rankers.examples(3)
    loaded = tf.saved_model.load(address).signatures["serving_default"]
    answers = loaded(examples=tf.constant([one.SerializeToString() for one in rows]))
    assert answers["predictions"].numpy() == pytest.approx(deepfm.answers(rows), abs=1e-6)
