"""Warm-up records: which are sent, and that a failing one keeps a version out."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving import Session, StatusError
from serving.server.servable import Servable
from serving.server.warmup import warm_up
from serving.sidecar import WARMUP_FILE
from serving.signatures import CLASSIFY, REGRESS
from serving.status_error import Code
from serving.wire.records import read_records, write_records
from tests.serving.semantics.requests import floats, multi_request, predict_request
from tests.serving.toy import warmup_record


@pytest.fixture(scope="module")
def servable(toy: Path) -> Iterator[Servable]:
    loaded = Servable(Session(toy), 1)
    yield loaded
    loaded.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / WARMUP_FILE).parent.mkdir()
    return tmp_path


def write(folder: Path, *logs: Any) -> None:
    write_records(folder / WARMUP_FILE, [log.SerializeToString() for log in logs])


def every_kind() -> list[Any]:
    predict, classify, multi = (prediction_log_pb2.PredictionLog() for _ in range(3))
    predict.predict_log.request.CopyFrom(predict_request(x=floats(1.0)))
    request = classify.classify_log.request
    request.model_spec.signature_name = "classification"
    request.input.example_list.examples.add()
    multi.multi_inference_log.request.CopyFrom(
        multi_request(("m", "regression", REGRESS), ("m", "classification", CLASSIFY))
    )
    return [predict, classify, multi, prediction_log_pb2.PredictionLog.FromString(warmup_record())]


def test_every_kind_of_record_is_sent_so_often(
    servable: Any, folder: Any, monkeypatch: Any
) -> None:
    runs = []
    monkeypatch.setattr(
        servable.session,
        "run_tensors",
        lambda *a, run=servable.session.run_tensors, **k: runs.append(a) or run(*a, **k),
    )
    write(folder, *every_kind())
    assert warm_up(servable, folder, iterations=2) == 4
    assert len(runs) == 8


def test_no_file_is_no_record(servable: Servable, tmp_path: Path) -> None:
    assert warm_up(servable, tmp_path) == 0


def test_a_thousand_records_pass_and_one_more_fails(servable: Servable, folder: Path) -> None:
    logs = [every_kind()[0]] * 1000
    write(folder, *logs)
    assert warm_up(servable, folder) == 1000
    write(folder, *logs, logs[0])
    with pytest.raises(StatusError) as caught:
        warm_up(servable, folder)
    assert caught.value.code == Code.INVALID_ARGUMENT
    assert "Number of warmup records exceeds the maximum (1000)" in caught.value.message


def test_a_failing_record_fails_with_its_own_error(servable: Servable, folder: Path) -> None:
    bad = every_kind()[0]
    bad.predict_log.request.model_spec.signature_name = "no"
    write(folder, bad)
    with pytest.raises(StatusError) as caught:
        warm_up(servable, folder)
    assert caught.value.code == Code.FAILED_PRECONDITION


def test_a_session_run_record_is_unimplemented(servable: Servable, folder: Path) -> None:
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.SetInParent()
    write(folder, log)
    with pytest.raises(StatusError) as caught:
        warm_up(servable, folder)
    assert caught.value.code == Code.UNIMPLEMENTED


def test_a_record_that_is_no_prediction_log_is_refused(servable: Servable, folder: Path) -> None:
    write_records(folder / WARMUP_FILE, [b"\xff\xff"])
    with pytest.raises(StatusError, match="Failed to parse warmup record"):
        warm_up(servable, folder)


def test_record_files_are_tensorflow_s_own(tmp_path: Path) -> None:
    records = [b"", b"a", bytes(range(256)) * 10]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write_records(ours, records)
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for record in records:
            writer.write(record)
    assert ours.read_bytes() == theirs.read_bytes()
    assert list(read_records(theirs)) == records


@pytest.mark.parametrize("cut", [1, 5, 13, 17])
def test_a_cut_record_file_is_data_loss(tmp_path: Path, cut: int) -> None:
    write_records(tmp_path / "r", [b"abc", b"defg"])
    data = (tmp_path / "r").read_bytes()
    (tmp_path / "r").write_bytes(data[:-cut])
    with pytest.raises(StatusError) as caught:
        list(read_records(tmp_path / "r"))
    assert caught.value.code == Code.DATA_LOSS


def test_warm_up_can_be_switched_off(toy: Path, tmp_path: Path) -> None:
    from serving import LocalServer, ServerOptions

    shutil.copytree(toy, tmp_path / "m" / "1")
    (tmp_path / "m" / "1" / WARMUP_FILE).write_bytes(b"broken")
    options = ServerOptions(model_base_path=tmp_path / "m", enable_model_warmup=False)
    with LocalServer(options) as server:
        assert server.manager.states("default")[1].state.name == "AVAILABLE"
    strict = LocalServer(ServerOptions(model_base_path=tmp_path / "m", max_num_load_retries=0))
    with pytest.raises(StatusError, match="did not become available"):
        strict.start()
