"""Where a request ends is said in one way, RFC 9112 section 6; what a server counts is bounded."""

import json
import socket

import pytest

from serving.server.local_server import LocalServer
from serving.server.metrics import Metrics
from serving.server.rest.json import parse_object

BODY = b'{"instances": [1.0]}'
POST = b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: x\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def chunk(size: bytes, body: bytes = BODY, end: bytes = b"\r\n") -> bytes:
    return CHUNKED + b"\r\n" + size + b"\r\n" + body + end + b"0\r\n\r\n"


REFUSED = {
    "two lengths": LENGTH + LENGTH + b"\r\n" + BODY,
    "two different lengths": LENGTH + b"Content-Length: 3\r\n\r\n" + BODY,
    "a list of lengths": b"Content-Length: 20, 20\r\n\r\n" + BODY,
    "a sign": b"Content-Length: +20\r\n\r\n" + BODY,
    "more digits than a length has": b"Content-Length: %s20\r\n\r\n" % (b"0" * 19) + BODY,
    "a length beside chunks": LENGTH + chunk(b"14"),
    "another coding": b"Transfer-Encoding: gzip\r\n\r\n" + BODY,
    "a coding of a coding": b"Transfer-Encoding: gzip, chunked\r\n\r\n14\r\n" + BODY,
    "a coding that is no word": b"Transfer-Encoding: xchunked\r\n\r\n14\r\n" + BODY,
    "two codings": CHUNKED + chunk(b"14"),
    "0x": chunk(b"0x14"),
    "a plus": chunk(b"+14"),
    "an underscore": chunk(b"1_4"),
    "a minus": chunk(b"-0"),
    "no size": chunk(b""),
    "digits of elsewhere": chunk("١٤".encode()),
    "more than the chunk": chunk(b"13"),
    "no end of the chunk": chunk(b"14", end=b""),
}


def answer_to(server: LocalServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=30) as connection:
        connection.sendall(POST + request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


@pytest.mark.parametrize("kind", REFUSED)
def test_a_request_that_two_servers_may_read_in_two_ways_is_refused(
    kind: str, server: LocalServer
) -> None:
    answer = answer_to(server, REFUSED[kind])
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))
    assert answer.count(b"HTTP/1.1 ") == 1  # nor is its rest taken for another request
    assert b"Connection: close" in answer


@pytest.mark.parametrize("request_bytes", [LENGTH + b"\r\n" + BODY, chunk(b"14"), chunk(b"14;a=b")])
def test_what_the_standard_allows_is_read(request_bytes: bytes, server: LocalServer) -> None:
    answer = answer_to(server, request_bytes)
    assert b"Malformed" not in answer
    assert b"must be chunked" not in answer


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "1e400"])
def test_a_number_that_no_double_holds_is_refused(number: str) -> None:
    with pytest.raises(Exception, match="too big"):
        parse_object(json.dumps({"instances": [0]}).replace("0", number).encode())


def test_names_that_no_model_answers_to_do_not_grow_the_page() -> None:
    metrics = Metrics()
    metrics.request("mine", "OK")
    for number in range(3000):
        metrics.request(f"unknown {number}", "NOT_FOUND")
        metrics.request("x" * 60_000 + str(number), "NOT_FOUND")
    metrics.request("mine", "INVALID_ARGUMENT")
    metrics.request("later", "OK")
    page = metrics.text()
    assert len(page) < 20_000
    assert 'model_name="(other)",status="NOT_FOUND"} 5900' in page
    for name, status in (("mine", "OK"), ("mine", "INVALID_ARGUMENT"), ("later", "OK")):
        assert f'model_name="{name}",status="{status}"}} 1' in page
