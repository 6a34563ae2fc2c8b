"""Addresses, names, and what goes wrong with a store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import serving
from serving import prune, publish, rollback, versions
from serving.__main__ import main
from serving.publishing import object_store
from tests.serving.exported import Exported
from tests.serving.exporting import rankers
from tests.serving.stores.addresses import NAMES, files, opened, write


@pytest.mark.long
def test_more_objects_than_one_page_of_a_listing_are_all_seen(s3: str) -> None:
    store, path = opened(s3)
    store.pipe({f"{path}/{n}/saved_model.pb": b"" for n in range(1, 1101)})
    assert publish(write("a"), s3) == f"{s3}/1101"
    assert list(versions(s3)) == list(range(1, 1102))


def test_names_are_taken_as_they_are(base: str) -> None:
    address, neighbour = f"{base} [12] * é", f"{base} 1"
    publish(write("a"), neighbour)

    def model(folder: Path) -> None:
        (folder / "assets").mkdir()
        (folder / "assets" / "words in [use]?.txt").write_text("w")
        (folder / "saved_model.pb").write_text("a")

    for _ in range(2):
        publish(model, address)
    assert rollback(address, 1) == f"{address}/3"
    assert prune(address, keep_last=1) == [f"{address}/1", f"{address}/2"]
    assert files(address) == ["3/assets/words in [use]?.txt", "3/saved_model.pb"]
    assert files(neighbour) == [f"1/{name}" for name in NAMES]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x"])
def test_a_name_that_leads_out_of_the_folder_is_not_downloaded(
    name: str, memory: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(write("a"), memory)
    store, path = opened(memory)
    monkeypatch.setattr(store, "find", lambda *_, **__: [f"{path}/1/{name}"])
    with pytest.raises(ValueError, match="leads out of the folder"):
        object_store.download(f"{memory}/1", tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("module", "address"),
    [("gcsfs", "gs://bucket/ranker"), ("adlfs", "az://bucket/ranker"), ("fsspec", "s3://b/ranker")],
)
def test_a_missing_extra_is_named(
    module: str, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    def write_nothing(_: Path) -> None:
        pytest.fail("the model is written although it cannot be published")

    with pytest.raises(ImportError, match=rf"{module}.*pip install 'tfrs-afm\[stores\]'"):
        publish(write_nothing, address)
    assert main(["rollback", address]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_an_address_that_fsspec_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="`base_path` must be a folder, or an address that fsspec"):
        versions("ram://bucket/ranker")


@pytest.mark.parametrize("address", ["file:///models/ranker", "local://models/ranker"])
def test_a_folder_given_as_an_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="`base_path` must be a path for a local folder"):
        publish(write("a"), address)


def test_a_bucket_that_is_not_there_is_not_made(bucket: str) -> None:
    address = "s3://typing-error/ranker"
    assert versions(address) == {}
    with pytest.raises(FileNotFoundError, match="`base_path` must be in a bucket that exists"):
        publish(write("a"), address)
    assert not opened(address)[0].exists("typing-error")


def test_what_the_store_s_package_raises_is_told_in_one_line(
    s3: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    known, _ = opened(s3)
    known.clear_instance_cache()  # the session of the other tests has its credentials
    try:
        with pytest.raises(OSError, match="NoCredentialsError") as caught:
            versions(s3)
        assert str(caught.value).startswith("`base_path` must be in a store that answers.")
        assert main(["rollback", s3]) == 1
        assert capsys.readouterr().err.startswith("error: `base_path` must be in a store")
    finally:
        known.clear_instance_cache()


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
    assert main(["publish", f"{base}/2", str(tmp_path / "ranker")]) == 0  # for a server to read
    said = capsys.readouterr().out.split()
    assert said == [f"{base}/1", f"{base}/2", str(tmp_path / "ranker" / "1")]
    assert (tmp_path / "ranker" / "1" / "variables" / "variables.index").read_text() == "a"
    assert main(["publish", f"{base}/7", base]) == 1
    assert "`address` must hold a model" in capsys.readouterr().err


def test_the_endpoint_may_come_from_fsspec_s_own_settings(s3: str, tmp_path: Path) -> None:
    write("a")(tmp_path)
    settings = {**os.environ, "FSSPEC_S3_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}
    del settings["AWS_ENDPOINT_URL"]
    command = [sys.executable, "-m", "serving", "publish", str(tmp_path), s3]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{s3}/1\n"), done.stderr
    assert list(versions(s3)) == [1]


def test_server_files_beside_a_store_are_refused_before_anything_is_published(
    memory: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "ranker.keras", memory, "--server_files"]) == 1
    assert "`server_files` must be left out for an object store" in capsys.readouterr().err


@pytest.mark.long
def test_an_exported_model_answers_from_the_store(
    deepfm: Exported, base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = serving.export(deepfm.model, base)
    assert address == f"{base}/1"
    assert "assets.extra/tf_serving_warmup_requests" in files(f"{base}/1")
    assert main(["verify", address]) == 0
    assert "golden rows answered as the trained model did" in capsys.readouterr().out
    object_store.download(address, tmp_path)
    rows = rankers.examples(3)
    loaded = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    answers = loaded(examples=tf.constant([one.SerializeToString() for one in rows]))
    assert answers["predictions"].numpy() == pytest.approx(deepfm.answers(rows), abs=1e-6)
