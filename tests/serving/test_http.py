"""HTTP as the real server takes it: packed bodies, other origins, every method, any address."""

import gzip
import http.client
import json
import logging
import shutil
import socket
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import LocalServer, ServerOptions
from serving.server.rest.rest_api import RestApi
from serving.status_error import StatusError
from tests.serving.conftest import Stubs
from tests.serving.semantics.requests import floats, predict_request

PATH = "/v1/models/toy:predict"
BODY = json.dumps({"instances": [1.0]}).encode()
METRICS = "/monitoring/prometheus/metrics"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


class Kept:
    """One connection for all requests; each answer must say where it ends."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.connection = http.client.HTTPConnection(host, port, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, named)
        self.answer = self.connection.getresponse()
        length = self.answer.headers["Content-Length"]
        data = self.answer.read()
        assert length is not None
        assert method == "HEAD" or int(length) == len(data)
        return self.answer.status, data


@pytest.fixture
def kept(server: LocalServer) -> Iterator[Kept]:
    made = Kept(server.rest_port)
    yield made
    made.connection.close()


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(BODY),
        gzip.compress(BODY[:5]) + gzip.compress(BODY[5:]),
        gzip.compress(b" " * 1_000_000 + BODY),
    ],
    ids=["one", "two behind each other", "well packed"],
)
def test_a_gzip_body_is_unpacked(kept: Kept, packed: bytes) -> None:
    status, answer = kept.ask("POST", PATH, packed, Content_Encoding="gzip")
    assert (status, json.loads(answer)) == (200, {"predictions": [2.0]})


@pytest.mark.parametrize(
    "packed",
    [BODY, gzip.compress(BODY)[:-3], gzip.compress(BODY) + b"x", zlib.compress(BODY)],
    ids=["plain", "cut", "more behind it", "zlib"],
)
def test_a_body_that_is_no_gzip_is_refused(kept: Kept, packed: bytes) -> None:
    status, answer = kept.ask("POST", PATH, packed, Content_Encoding="gzip")
    assert status == 400
    assert b"Malformed gzip body" in answer


@pytest.fixture(scope="module")
def small(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server at ::1 that takes 1000 bytes, and lets pages of other origins ask."""
    base = tmp_path_factory.mktemp("http") / "toy"
    shutil.copytree(toy, base / "1")
    options = ServerOptions(
        model_name="toy",
        model_base_path=base,
        host="::1",
        max_request_bytes=1000,
        rest_api_enable_cors_support=True,
        enable_model_warmup=False,
    )
    with LocalServer(options) as running:
        yield running


def test_a_body_counts_as_what_it_is_when_unpacked(small: LocalServer) -> None:
    kept = Kept(small.rest_port, "::1")
    bomb = gzip.compress(b" " * 500_000)
    assert len(bomb) < 1000
    status, answer = kept.ask("POST", PATH, bomb, Content_Encoding="gzip")
    assert status == 413
    assert b"larger than max (1000) when unpacked" in answer
    kept.connection.close()


def test_an_address_of_ipv6_is_listened_at(small: LocalServer) -> None:
    assert small.grpc_address == f"[::1]:{small.grpc_port}"
    assert small.rest_url == f"http://[::1]:{small.rest_port}"
    stubs = Stubs(small.grpc_address)
    assert stubs.prediction.Predict(predict_request(x=floats(1.0)), timeout=30).outputs
    stubs.close()
    kept = Kept(small.rest_port, "::1")
    assert kept.ask("POST", PATH, BODY)[0] == 200
    kept.connection.close()


def test_a_taken_port_of_ipv6_is_an_error_that_names_the_flag(small: LocalServer) -> None:
    options = ServerOptions(
        model_base_path=small.options.model_base_path, host="::1", port=small.grpc_port
    )
    with pytest.raises(OSError, match="`port` must be free"):
        LocalServer(options).start()


@pytest.mark.parametrize(
    ("origin", "status"), [("https://a.example", 200), ("http://a", 200), ("a", 400), (None, 400)]
)
def test_a_browser_that_asks_whether_it_may_ask_is_answered(
    kept: Kept, small: LocalServer, origin: Any, status: int
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    assert kept.ask("OPTIONS", PATH, **headers)[0] == status
    assert not any(name in kept.answer.headers for name in CORS)
    with_cors = Kept(small.rest_port, "::1")
    for method, body, wanted in (("OPTIONS", None, status), ("POST", BODY, 200), ("GET", b"", 400)):
        assert with_cors.ask(method, PATH, body, **headers)[0] == wanted
        assert {name: with_cors.answer.headers[name] for name in CORS} == CORS
    with_cors.connection.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_metrics_page_is_there_for_every_method(kept: Kept, method: str) -> None:
    status, page = kept.ask(method, METRICS, b"")
    assert status == 200
    assert int(kept.answer.headers["Content-Length"]) > 100
    assert (b"request_count counter" in page) == (method != "HEAD")


def test_every_answer_says_where_it_ends_so_that_the_connection_is_kept(kept: Kept) -> None:
    asked = [
        *[("POST", PATH, BODY, 200), ("POST", PATH, b"{", 400), ("HEAD", PATH, None, 400)],
        *[("GET", "/v1/models/toy", None, 200), ("GET", "/v1/models/no", None, 404)],
        *[("GET", "/", None, 404), ("DELETE", PATH, None, 400), ("OPTIONS", PATH, None, 400)],
        *[("GET", METRICS, None, 200), ("HEAD", METRICS, None, 200), ("PUT", PATH, BODY, 400)],
        ("POST", PATH, BODY, 200),
    ]
    socket_before = None
    for method, path, body, status in asked:
        assert kept.ask(method, path, body)[0] == status, (method, path)
        socket_before = socket_before or kept.connection.sock
        assert kept.connection.sock is socket_before


def test_a_request_line_with_the_whole_address_is_taken(kept: Kept, server: LocalServer) -> None:
    for address in (server.rest_url, "HTTP://elsewhere", "https://a:1"):
        assert kept.ask("POST", address + PATH, BODY)[0] == 200
    assert kept.ask("GET", server.rest_url + METRICS + "?a=http://b/v1/")[0] == 200
    assert kept.ask("GET", server.rest_url)[0] == 404


def test_of_two_values_for_a_key_the_first_counts(kept: Kept) -> None:
    twice = b'{"instances": [1.0], "signature_name": "", "instances": [7.0]}'
    assert json.loads(kept.ask("POST", PATH, twice)[1]) == {"predictions": [2.0]}
    rows = b'{"signature_name":"two","instances":[{"a":1.0,"b":2.0,"a":5.0}]}'
    assert json.loads(kept.ask("POST", PATH, rows)[1]) == {
        "predictions": [{"product": 2.0, "sum": 3.0}]
    }


@pytest.mark.parametrize("where", ["metrics.text", "api.route"])
def test_whatever_is_raised_the_client_is_told_and_the_log(
    server: LocalServer, monkeypatch: Any, caplog: Any, where: str
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise KeyError("unforeseen")

    part, _, name = where.partition(".")
    monkeypatch.setattr(getattr(server._http, part), name, broken)
    kept = Kept(server.rest_port)
    with caplog.at_level(logging.ERROR):
        status, answer = kept.ask("GET", METRICS if part == "metrics" else PATH)
    kept.connection.close()
    assert status == 500
    assert json.loads(answer) == {"error": "KeyError: 'unforeseen'"}
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [KeyError]


def test_what_the_json_took_counts_to_the_time_of_a_request(server: LocalServer) -> None:
    api = RestApi(server.manager, timeout_ms=1000)
    spec, action = api.route("POST", PATH)
    assert api.answer(spec, action, BODY)
    with pytest.raises(StatusError, match="DEADLINE_EXCEEDED: The time was over when"):
        api.answer(spec, action, BODY, started=time.monotonic() - 2)


def test_only_so_many_requests_are_computed_at_once(server: LocalServer) -> None:
    assert server._http is not None
    turns = server._http.turns
    assert turns._value == server.options.rest_api_num_threads
    for _ in range(server.options.rest_api_num_threads):
        assert turns.acquire(timeout=10)
    try:
        with socket.create_connection(("127.0.0.1", server.rest_port), timeout=0.2) as waiting:
            waiting.sendall(b"GET /v1/models/toy HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises(TimeoutError):
                waiting.recv(1)
            turns.release()
            waiting.settimeout(30)
            assert waiting.recv(12) == b"HTTP/1.1 200"
            turns.acquire()
    finally:
        for _ in range(server.options.rest_api_num_threads):
            turns.release()


@pytest.mark.parametrize("service", ["", "ModelService", "PredictionService"])
def test_health_is_told_of_the_server_and_its_services(stubs: Stubs, service: str) -> None:
    check = stubs.channel.unary_unary("/grpc.health.v1.Health/Check")
    request = b"\n" + bytes([len(service)]) + service.encode()
    assert check(request, timeout=30) == b"\x08\x01"


@pytest.mark.parametrize("service", ["toy", "modelservice", "tensorflow.serving.ModelService"])
def test_health_of_an_unknown_service_is_not_found(stubs: Stubs, service: str) -> None:
    check = stubs.channel.unary_unary("/grpc.health.v1.Health/Check")
    with pytest.raises(grpc.RpcError) as caught:
        check(b"\n" + bytes([len(service)]) + service.encode(), timeout=30)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
