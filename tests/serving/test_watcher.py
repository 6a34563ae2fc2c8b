"""The watch over the versions goes on, whatever a version or the disk does."""

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from serving import LocalServer, ServerOptions, Session, StatusError
from serving.server import version_manager
from serving.server.version_manager import State, VersionManager
from serving.sidecar import WARMUP_FILE
from serving.status_error import Code
from tests.serving.conftest import Stubs
from tests.serving.polling import eventually
from tests.serving.rest_client import RestClient
from tests.serving.semantics.managers import answer, config, load, states

pytestmark = pytest.mark.long

HEALTH = "/grpc.health.v1.Health/Check"


@pytest.fixture
def base(toy: Path, tmp_path: Path) -> Path:
    shutil.copytree(toy, tmp_path / "m" / "1")
    return tmp_path / "m"


@pytest.fixture
def watched(base: Path) -> Iterator[LocalServer]:
    options = ServerOptions(
        model_name="m",
        model_base_path=base,
        file_system_poll_wait_seconds=0.01,
        max_num_load_retries=0,
    )
    with LocalServer(options) as running:
        yield running


def renamed(version: Path, name: str) -> Path:
    """A version whose signatures name another tensor as their output."""
    file = version / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for key, signature in saved.meta_graphs[0].signature_def.items():
        if key != "__saved_model_init_op":
            next(iter(signature.outputs.values())).name = name
    file.write_bytes(saved.SerializeToString())
    return version


TENSORS = ["X:zz", "X:-1", ":0", "serving_default_x:-1", "serving_default_x:99999999999999999999"]


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_that_is_not_there_is_a_status(name: str, toy: Path, tmp_path: Path) -> None:
    version = renamed(shutil.copytree(toy, tmp_path / "1"), name)
    with Session(version) as session, pytest.raises(StatusError, match="not found") as caught:
        session.run_tensors({}, [name])
    assert caught.value.code is Code.NOT_FOUND


def test_a_version_whose_signature_names_no_tensor_fails_and_the_next_is_loaded(
    watched: LocalServer, base: Path, toy: Path, toy_100: Path
) -> None:
    staged = renamed(shutil.copytree(toy, base / "staged"), "X:zz")
    staged.rename(base / "2")
    eventually(lambda: states(watched.manager).get(2) == State.END)
    shutil.copytree(toy_100, base / "staged").rename(base / "3")
    eventually(lambda: states(watched.manager).get(3) == State.AVAILABLE)
    assert answer(watched.manager, 3) == 102.0


def test_a_pipe_in_a_version_is_not_waited_for(watched: LocalServer, base: Path, toy: Path) -> None:
    staged = shutil.copytree(toy, base / "staged")
    (staged / WARMUP_FILE).unlink()
    os.mkfifo(staged / WARMUP_FILE)
    staged.rename(base / "2")
    eventually(lambda: states(watched.manager).get(2) == State.END)
    shutil.copytree(toy, base / "staged").rename(base / "3")
    eventually(lambda: states(watched.manager).get(3) == State.AVAILABLE)


RAISED = [KeyError("x"), PermissionError("no"), MemoryError(), RecursionError(), TypeError("x")]


@pytest.mark.parametrize("error", RAISED, ids=repr)
def test_whatever_a_load_raises_the_version_failed_and_others_are_served(
    error: Exception, base: Path, toy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(path: Path, version: int) -> Any:
        if version == 2:
            raise error
        return load(path, version)

    options = ServerOptions(model_base_path=base, max_num_load_retries=0)
    manager = VersionManager(options, fails)
    manager.reload(config(base))
    for number in ("2", "3"):
        shutil.copytree(toy, base / number)
        manager.poll()
    assert states(manager) == {3: State.AVAILABLE, 2: State.END, 1: State.END}
    found = manager.states("m")[2].error
    assert found is not None
    assert found.code is Code.INTERNAL
    assert type(error).__name__ in found.message
    assert "version: 2} failed" in caplog.text
    manager.close()


@pytest.mark.parametrize("error", [*RAISED, ValueError("embedded null byte")], ids=repr)
def test_whatever_a_listing_raises_the_next_one_is_taken(
    error: Exception,
    watched: LocalServer,
    base: Path,
    toy: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = threading.Event()

    def listing(_: Path) -> Any:
        failed.set()
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(version_manager, "folder_versions", listing)
        assert failed.wait(20)
        eventually(lambda: type(error).__name__ in caplog.text)
    shutil.copytree(toy, base / "staged").rename(base / "2")
    eventually(lambda: states(watched.manager).get(2) == State.AVAILABLE)


def test_an_unload_that_fails_is_logged(
    base: Path, toy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manager = VersionManager(ServerOptions(model_base_path=base), load)
    manager.reload(config(base))
    servable = manager.states("m")[1].servable
    assert servable is not None
    close = servable.close

    def fails() -> None:
        close()
        raise RuntimeError("as told")

    servable.close = fails  # type: ignore[method-assign]
    shutil.copytree(toy, base / "2")
    manager.poll()
    assert states(manager) == {2: State.AVAILABLE, 1: State.END}
    assert "as told" in caplog.text
    manager.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_health_tells_that_the_watcher_is_down(
    watched: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubs = Stubs(watched.grpc_address)
    check = stubs.channel.unary_unary(HEALTH)
    assert check(b"") == b"\x08\x01"

    def ends() -> None:
        raise SystemExit  # what no handler of exceptions keeps

    monkeypatch.setattr(watched.manager, "poll", ends)
    eventually(lambda: check(b"") == b"\x08\x02")
    stubs.close()


def test_a_request_that_fails_in_an_unknown_way_is_an_answer(
    watched: LocalServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import grpc

    from tests.serving.semantics.requests import floats, predict_request

    servable = watched.manager.states("m")[1].servable

    def fails(*_: Any, **__: Any) -> Any:
        raise LookupError("as told")

    monkeypatch.setattr(servable, "predict", fails)
    status, content = RestClient(watched.rest_url).ask("/v1/models/m:predict", {"instances": [1.0]})
    assert (status, content) == (500, {"error": "LookupError: as told"})
    request = predict_request(x=floats(1.0))
    request.model_spec.name = "m"
    stubs = Stubs(watched.grpc_address)
    with pytest.raises(grpc.RpcError) as caught:
        stubs.prediction.Predict(request)
    error: Any = caught.value
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "LookupError: as told")
    stubs.close()
    assert caplog.records[-1].levelno == logging.ERROR
