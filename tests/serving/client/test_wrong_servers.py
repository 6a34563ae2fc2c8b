"""Whatever a wrong server answers, a client raises an error of its tree, in time."""

import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

import serving
from serving.client import ClientError, DeadlineError, RequestError, Retry, SchemaError
from serving.client.transports import connection
from serving.status_error import Code
from serving.wire.messages import message_class
from tests.serving.exported import Exported

Handle = Callable[[socket.socket], None]


@contextmanager
def listening(handle: Handle) -> Iterator[str]:
    """A server that reads requests and does what it is told with each connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            with one:
                try:
                    read_request(one)
                    handle(one)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(20)


def received(one: socket.socket) -> bytes:
    """What comes next. One who has left before the request was whole sends nothing forever."""
    data = one.recv(1 << 16)
    if not data:
        raise ConnectionAbortedError
    return data


def read_request(one: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(one)
    head, _, body = data.partition(b"\r\n\r\n")
    fields = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    length = sum(int(value) for name, _, value in fields if name == b"content-length")
    while len(body) < length:
        body += received(one)


def answer(body: bytes | str, status: str = "200 OK") -> bytes:
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    return head.encode() + data


def client(address: str, afm: Exported, timeout: float = 20.0, **settings: Any) -> serving.Client:
    retry = Retry(tries=1)
    return serving.Client(address, schema=afm.path, timeout=timeout, retry=retry, **settings)


DRIPS = {
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "head": b"HTTP/1.1 200 OK\r\nX",
    "line": b"HT",
    "continue": b"HTTP/1.1 100 Continue\r\n",
}


@pytest.mark.parametrize("place", DRIPS)
def test_a_server_that_drips_is_left_at_the_deadline(place: str, afm: Exported) -> None:
    left = threading.Event()

    def drip(one: socket.socket) -> None:
        one.sendall(DRIPS[place])
        one.settimeout(0.05)
        while True:
            try:
                if not one.recv(1):
                    break
            except TimeoutError:
                pass
            try:
                one.sendall(b"1\r\n \r\n" if place == "chunks" else b" ")
            except OSError:
                break
        left.set()

    with listening(drip) as url:
        start = time.monotonic()
        with pytest.raises(DeadlineError), client(url, afm, timeout=1.5) as asking:
            asking.predict([{}])
        assert time.monotonic() - start < 15  # a drip of 1 MB takes hours
        assert left.wait(20)


WRONG = {
    "no http": b"\x00\x01\x02",
    "nothing": b"",
    "not JSON": answer("<html>"),
    "not UTF-8": answer(b"\xff\xfe{"),
    "a list": answer("[1]"),
    "no outputs": answer("{}"),
    "null": answer('{"outputs": null}'),
    "another output": answer('{"outputs": {"other": [1.0]}}'),
    "no rows": answer('{"outputs": []}'),
    "a number": answer('{"outputs": 1.0}'),
    "more rows": answer('{"outputs": [1.0, 2.0]}'),
    "text": answer('{"outputs": ["1.0"]}'),
    "nulls": answer('{"outputs": [null]}'),
    "booleans": answer('{"outputs": [true]}'),
    "an object in a row": answer('{"outputs": [{"b64": "AA=="}]}'),
    "ragged": answer('{"outputs": [[1.0], [1.0, 2.0]]}'),
    "a large integer": answer('{"outputs": [' + "9" * 400 + "]}"),
    "too many digits": answer('{"outputs": [' + "9" * 10_000 + "]}"),
    "deep": answer('{"outputs": ' + "[" * 100_000),
    "deep and whole": answer('{"outputs": ' + "[" * 900 + "]" * 900 + "}"),
    "half": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "a length of text": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{",
    "a huge length": b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n{",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a bad status": b"HTTP/1.1 two OK\r\n\r\n",
    "a redirect": answer("", "302 Found"),
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000 + b"\r\n\r\n",
    "an error that is no text": answer('{"error": {"a": [1]}}', "400 Bad Request"),
    "an error in a list": answer("[1]", "500 Oops"),
    "an unknown status": answer("", "799 What"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_over_rest_is_an_error_of_the_tree(name: str, afm: Exported) -> None:
    with (
        listening(lambda one: one.sendall(WRONG[name])) as url,
        pytest.raises(RequestError) as caught,
        client(url, afm) as asking,
    ):
        asking.predict([{}])
    assert isinstance(caught.value, ClientError)
    assert len(str(caught.value)) < 2000


def test_what_is_larger_than_any_answer_is_not_read_to_its_end(
    afm: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LARGEST_ANSWER", 1000)

    def flood(one: socket.socket) -> None:
        one.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            one.sendall(b" " * 1000)

    with listening(flood) as url, pytest.raises(RequestError, match="larger than 1000") as caught:
        client(url, afm).predict([{}])
    assert caught.value.code is Code.RESOURCE_EXHAUSTED


EXPLAINED = {
    "first_field": [["a"]],
    "second_field": [["b"]],
    "contribution": [[1.0]],
    "attention": [[1.0]],
}


@pytest.mark.parametrize(
    ("signature", "outputs"),
    [
        ("classification", {"classes": [[1, 2]], "scores": [[0.5, 0.5]]}),
        ("classification", {"classes": [["a", "b"]]}),
        ("explain", {**EXPLAINED, "attention": [[1.0, 2.0]]}),
        ("explain", {**EXPLAINED, "first_field": ["a"]}),
        ("explain", {**EXPLAINED, "first_field": [[{"b64": "?"}]]}),
        ("explain", {**EXPLAINED, "first_field": [["\ud800"]]}),
        ("explain", {name: value[0] for name, value in EXPLAINED.items()}),
    ],
)
def test_wrong_answers_of_other_signatures(signature: str, outputs: Any, afm: Exported) -> None:
    text = json.dumps({"outputs": outputs})
    with (
        listening(lambda one: one.sendall(answer(text))) as url,
        pytest.raises(RequestError) as caught,
        client(url, afm) as asking,
    ):
        {"explain": asking.explain, "classification": asking.classify}[signature]([{}])
    assert caught.value.code is Code.INTERNAL


@pytest.mark.parametrize("scores", [[[1.0]], [1.0, 2.0], [[1.0, 2.0], [1.0, 2.0]], []])
def test_wrong_scores_of_candidates(scores: Any, afm: Exported) -> None:
    text = json.dumps({"outputs": scores})
    with (
        listening(lambda one: one.sendall(answer(text))) as url,
        pytest.raises(RequestError) as caught,
        client(url, afm) as asking,
    ):
        asking.rank({}, [{}, {}])
    assert caught.value.code is Code.INTERNAL


@contextmanager
def grpc_server(respond: Callable[[bytes], bytes]) -> Iterator[str]:
    class Handler(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda request, _: respond(request))

    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((Handler(),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(0).wait()


def predicted(name: str = "predictions", **tensor: Any) -> bytes:
    response = message_class("tensorflow.serving.PredictResponse")()
    proto = response.outputs[name]
    for size in tensor.pop("shape", (1,)):
        proto.tensor_shape.dim.add(size=size)
    proto.dtype = tensor.pop("dtype", 1)
    for field, values in tensor.items():
        if field == "tensor_content":
            proto.tensor_content = values
        else:
            getattr(proto, field).extend(values)
    return bytes(response.SerializeToString())


WRONG_MESSAGES = {
    "no message": b"\xff\xff\xff",
    "nothing": b"",
    "another output": predicted("other", float_val=[1.0]),
    "another type": predicted(dtype=9, int64_val=[1]),
    "no type": predicted(dtype=0),
    "text": predicted(dtype=7, string_val=[b"1"]),
    "more rows": predicted(shape=(2,), float_val=[1.0]),
    "a number": predicted(shape=(), float_val=[1.0]),
    "short content": predicted(tensor_content=b"abc"),
    "a shape below 0": predicted(shape=(-1,), float_val=[1.0]),
    "a huge shape": predicted(shape=(1 << 62, 1 << 62), float_val=[1.0]),
    "an integer out of range": predicted(dtype=6, int_val=[1000]),
}


@pytest.mark.parametrize("name", WRONG_MESSAGES)
def test_a_wrong_answer_over_grpc_is_an_error_of_the_tree(name: str, afm: Exported) -> None:
    with (
        grpc_server(lambda _: WRONG_MESSAGES[name]) as address,
        pytest.raises(RequestError) as caught,
        client(address, afm) as asking,
    ):
        asking.predict([{}])
    assert caught.value.code is Code.INTERNAL


SIDECARS = {
    "no http": b"\x00",
    "not JSON": answer("<html>"),
    "a list": answer("[]"),
    "no features": answer('{"format": 1}'),
    "a list of features": answer('{"format": 1, "features": [], "signatures": {}}'),
    "numbers": answer('{"format": 1, "features": {"a": 1}, "signatures": {}}'),
    "an unknown type": answer(
        '{"format": 1, "features": {}, "signatures": {"s": {"outputs": {"y": {"dtype": "x"}}}}}'
    ),
    "deep": answer("[" * 100_000),
    "an error": answer("", "404 Not Found"),
}


@pytest.mark.parametrize("name", SIDECARS)
def test_a_wrong_sidecar_is_an_error_of_the_tree(name: str) -> None:
    with listening(lambda one: one.sendall(SIDECARS[name])) as url, pytest.raises(SchemaError):
        serving.Client(url, schema=urllib.parse.urljoin(url, "/sidecar.json"))
