import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import LocalServer, ServerOptions, publish, versions
from serving.server.config_files import metrics_path
from serving.server.metrics import Metrics
from serving.status_error import StatusError
from serving.wire.tensors import to_array
from tests.serving.conftest import Stubs
from tests.serving.polling import eventually
from tests.serving.rest_client import RestClient
from tests.serving.semantics.requests import floats, predict_request


def test_it_listens_on_loopback_only_unless_told_otherwise(server: LocalServer) -> None:
    assert server.grpc_address.startswith("127.0.0.1:")
    assert server.rest_url.startswith("http://127.0.0.1:")


def test_health_is_told_over_grpc(stubs: Stubs) -> None:
    check = stubs.channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"") == b"\x08\x01"


def test_metrics_count_requests_by_status_and_time_them(server: Any, stubs: Any, rest: Any) -> None:
    import urllib.request

    stubs.prediction.Predict(predict_request(x=floats(1.0)))
    rest.ask("/v1/models/toy:predict", {"instances": [1.0]})
    rest.ask("/v1/models/toy:predict", {})
    with urllib.request.urlopen(server.rest_url + "/monitoring/prometheus/metrics") as page:
        text = page.read().decode()
    assert '\n:tensorflow:serving:request_count{model_name="toy",status="OK"} ' in text
    assert '{model_name="toy",status="INVALID_ARGUMENT"} ' in text
    for labels in ('API="Predict",entrypoint="GRPC"', 'API="predict",entrypoint="REST"'):
        assert f':request_latency_count{{model_name="toy",{labels}}} ' in text
    assert ":tensorflow:serving:model_warmup_latency_sum{model_path=" in text


def test_a_histogram_s_buckets_add_up() -> None:
    metrics = Metrics()
    for micros in (5.0, 10.0, 11.0, 1e12):
        metrics.latency("request_latency", (("a", 'x"\n'),), micros)
    lines = metrics.text().splitlines()
    name = ":tensorflow:serving:request_latency"
    assert f'{name}_bucket{{a="x\\"\\n",le="10"}} 2' in lines
    assert f'{name}_bucket{{a="x\\"\\n",le="18"}} 3' in lines
    assert f'{name}_bucket{{a="x\\"\\n",le="+Inf"}} 4' in lines
    assert f'{name}_count{{a="x\\"\\n"}} 4' in lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('prometheus_config { enable: true path: "/m" }', "/m"),
        ("prometheus_config: {\n  enable: true,\n}  # yes", "/monitoring/prometheus/metrics"),
        ("prometheus_config { enable: false }", None),
        ("prometheus_config { }", None),
    ],
)
def test_the_monitoring_file_moves_or_switches_off_the_metrics(
    tmp_path: Any, text: Any, expected: Any
) -> None:
    (tmp_path / "monitoring.txt").write_text(text)
    assert metrics_path(tmp_path / "monitoring.txt") == expected


def test_another_monitoring_file_is_refused(tmp_path: Path) -> None:
    for text in ("nonsense", "prometheus_config { port: 3 }"):
        (tmp_path / "monitoring.txt").write_text(text)
        with pytest.raises(StatusError, match="Error parsing text-format"):
            metrics_path(tmp_path / "monitoring.txt")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "`model_base_path` must name a folder"),
        ({"model_base_path": "m", "port": -1}, "`port` must be from 0 to 65535"),
        ({"model_base_path": "m", "grpc_max_threads": 0}, "`grpc_max_threads` must be positive"),
    ],
)
def test_settings_out_of_range_are_refused(settings: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ServerOptions(**settings)


@pytest.mark.parametrize("flag", ["port", "rest_api_port"])
def test_a_taken_port_is_an_error_that_names_the_flag(toy: Any, tmp_path: Any, flag: Any) -> None:
    shutil.copytree(toy, tmp_path / "1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = ServerOptions(model_base_path=tmp_path, **{flag: taken.getsockname()[1]})
        with pytest.raises(OSError, match=f"`{flag}` must be free"):
            LocalServer(options).start()


@pytest.mark.long
def test_new_versions_are_taken_while_requests_run_and_none_fails(
    toy: Any, toy_100: Any, tmp_path: Any
) -> None:
    base = tmp_path / "toy"
    bias = {1: 0.0}
    publish(lambda folder: shutil.copytree(toy, folder, dirs_exist_ok=True), base)
    options = ServerOptions(
        model_name="toy", model_base_path=base, file_system_poll_wait_seconds=0.01
    )
    stop = threading.Event()

    def ask(address: str) -> list[tuple[int, float]]:
        stubs = Stubs(address)
        seen = []
        while not stop.is_set():
            response = stubs.prediction.Predict(predict_request(x=floats(1.0)), timeout=30)
            seen.append((response.model_spec.version.value, to_array(response.outputs["y"])[0]))
        stubs.close()
        return seen

    with LocalServer(options) as server, ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask, server.grpc_address) for _ in range(4)]
        for source in (toy_100, toy, toy_100):
            path = publish(lambda f, s=source: shutil.copytree(s, f, dirs_exist_ok=True), base)
            bias[int(path.name)] = 100.0 if source == toy_100 else 0.0
            eventually(lambda v=int(path.name): server.manager.states("toy").get(v) is not None)
            eventually(
                lambda v=int(path.name): server.manager.states("toy")[v].state.name == "AVAILABLE"
            )
        stop.set()
        answers = [one for client in clients for one in client.result(30)]
    assert list(versions(base)) == [1, 2, 3, 4]
    assert answers
    assert all(value == 2.0 + bias[version] for version, value in answers)


def test_a_stop_lets_running_requests_finish(toy: Path, tmp_path: Path) -> None:
    shutil.copytree(toy, tmp_path / "1")
    server = LocalServer(ServerOptions(model_name="toy", model_base_path=tmp_path)).start()
    stubs = Stubs(server.grpc_address)
    go, running = threading.Event(), threading.Semaphore(0)
    loaded = server.manager.states("toy")[1].servable
    assert loaded is not None
    predict = loaded.predict

    def slow(*args: Any, **kwargs: Any) -> Any:
        running.release()
        assert go.wait(20)
        return predict(*args, **kwargs)

    loaded.predict = slow
    with ThreadPoolExecutor(3) as pool:
        over_grpc = pool.submit(stubs.prediction.Predict, predict_request(x=floats(1.0)))
        rest = RestClient(server.rest_url)
        over_rest = pool.submit(rest.ask, "/v1/models/toy:predict", {"instances": [1.0]})
        # Both: one that had not arrived yet would rightly be turned away.
        assert all(running.acquire(timeout=20) for _ in range(2))
        assert server._running._count == 2
        stopping = pool.submit(server.stop)
        eventually(server._stop.is_set)
        go.set()
        assert to_array(over_grpc.result(20).outputs["y"]).tolist() == [2.0]
        assert over_rest.result(20)[0] == 200
        stopping.result(20)
    with pytest.raises(grpc.RpcError) as caught:
        stubs.prediction.Predict(predict_request(x=floats(1.0)), timeout=5)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    stubs.close()


@pytest.mark.long
def test_the_command_serves_prints_its_addresses_and_ends_on_sigterm(
    toy: Path, tmp_path: Path
) -> None:
    shutil.copytree(toy, tmp_path / "models" / "1")
    command = [sys.executable, "-m", "serving", "serve", "--model_name=toy"]
    command += ["--model_base_path", str(tmp_path / "models"), "--port=0", "--rest_api_port", "0"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
    ) as process:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            ready = json.loads(line)
            assert ready["pid"] == process.pid
            rest = RestClient(ready["rest"])
            assert rest.ask("/v1/models/toy:predict", {"instances": [1.0]}) == (
                200,
                {"predictions": [2.0]},
            )
            stubs = Stubs(ready["grpc"])
            assert stubs.prediction.Predict(predict_request(x=floats(1.0))).outputs
            stubs.close()
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert "Traceback" not in log
