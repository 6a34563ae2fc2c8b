"""A server that goes down answers what runs, and refuses the rest so that it is sent again."""

import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serving import LocalServer, ServerOptions
from serving.client import ClientError
from serving.client.errors import Retry
from serving.client.transports.grpc_transport import GrpcTransport
from serving.client.transports.rest_transport import RestTransport
from tests.serving.conftest import Stubs
from tests.serving.polling import eventually
from tests.serving.semantics.requests import floats, predict_request

BODY = json.dumps({"instances": [1.0]})


@pytest.fixture
def base(toy: Path, tmp_path: Path) -> Path:
    shutil.copytree(toy, tmp_path / "m" / "1")
    return tmp_path / "m"


@pytest.fixture
def going(base: Path) -> Iterator[LocalServer]:
    with LocalServer(ServerOptions(model_name="m", model_base_path=base)) as running:
        yield running


def request_of() -> Any:
    request = predict_request(x=floats(1.0))
    request.model_spec.name = "m"
    return request


def asked(kept: http.client.HTTPConnection) -> tuple[int, str | None, Any]:
    kept.request("POST", "/v1/models/m:predict", BODY)
    response = kept.getresponse()
    return response.status, response.getheader("Connection"), json.loads(response.read())


def test_what_runs_is_answered_and_what_comes_later_is_refused(
    going: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    servable = going.manager.states("m")[1].servable
    assert servable is not None
    predict, entered, released = servable.predict, threading.Semaphore(0), threading.Event()

    def slow(*arguments: Any, **settings: Any) -> Any:
        entered.release()
        assert released.wait(30)
        return predict(*arguments, **settings)

    stubs = Stubs(going.grpc_address)
    host = going.rest_url.removeprefix("http://")
    kept = [http.client.HTTPConnection(host, timeout=30) for _ in range(2)]
    assert [asked(one)[0] for one in kept] == [200, 200]
    monkeypatch.setattr(servable, "predict", slow)
    with ThreadPoolExecutor(3) as threads:
        over_rest = threads.submit(asked, kept[0])
        over_grpc = threads.submit(stubs.prediction.Predict, request_of())
        for _ in range(2):
            assert entered.acquire(timeout=30)
        stopping = threads.submit(going.stop)
        check = stubs.channel.unary_unary("/grpc.health.v1.Health/Check")
        eventually(lambda: check(b"") == b"\x08\x02")
        eventually(lambda: going._running.closing)
        for one in (kept[1], http.client.HTTPConnection(host, timeout=30)):
            status, connection, content = asked(one)
            assert (status, connection) == (503, "close")
            assert content == {"error": "the server is going down"}
            assert one.sock is None
        with pytest.raises(grpc.RpcError) as caught:
            stubs.prediction.Predict(request_of())
        refused: Any = caught.value
        assert refused.code() is grpc.StatusCode.UNAVAILABLE
        released.set()
        assert over_rest.result(30) == (200, "close", {"predictions": [2.0]})
        assert over_grpc.result(30).outputs["y"].float_val[:] == [2.0]
        stopping.result(30)
    stubs.close()


@pytest.mark.matrix
@pytest.mark.parametrize("kind", [RestTransport, GrpcTransport])
def test_clients_go_on_when_a_server_is_replaced(kind: Any, base: Path) -> None:
    """Many calls while it goes down and another one takes its port: none is lost."""
    options: dict[str, Any] = {"model_name": "m", "model_base_path": base}
    first = LocalServer(ServerOptions(**options)).start()
    address = first.rest_url if kind is RestTransport else first.grpc_address
    ports = {"port": first.grpc_port, "rest_api_port": first.rest_port}
    transport, done = kind(address, "m"), threading.Event()
    retry = Retry(tries=1000, longest_pause=0.05)
    answers: list[float] = []
    inputs = {"x": np.ones(1, np.float32)}

    def ask() -> None:
        while not done.is_set():
            end = retry.now() + 60
            found = retry.call(
                lambda left: transport.run("serving_default", inputs, {"y": 1}, left), end
            )
            answers.append(float(found["y"][0]))

    def more() -> None:
        count = len(answers)
        eventually(lambda: len(answers) > count + 20, seconds=60)

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask) for _ in range(8)]
        try:
            more()
            first.stop()
            with LocalServer(ServerOptions(**options, **ports)):
                more()
                done.set()
                for one in asking:
                    one.result(60)
        finally:
            done.set()
    assert set(answers) == {2.0}
    transport.close()


def test_a_closed_client_says_so() -> None:
    transport = GrpcTransport("127.0.0.1:1", "m")
    transport.close()
    with pytest.raises(ClientError, match="the client is closed"):
        Retry().call(lambda left: transport.run("s", {}, {}, left), Retry().now() + 10)
