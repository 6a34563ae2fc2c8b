"""The HTTP side of the REST API."""

import contextlib
import logging
import re
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from serving.server.metrics import Metrics
from serving.server.rest.json import error_json
from serving.server.rest.rest_api import RestApi
from serving.server.running import Running
from serving.status_error import Code, StatusError, internal

_log = logging.getLogger(__name__)

_HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.UNAUTHENTICATED: 401,
}


_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_MOST_DIGITS = 20  # of a length; one that has more is too large, and not worth the parsing


class HttpServer(ThreadingHTTPServer):
    """Serves the REST API and the metrics page.

    Args:
        address: Host and port; port 0 takes a free one.
        api: Answers the requests.
        metrics: Counts them.
        metrics_path: Path of the metrics page; None for no page.
        max_bytes: Largest body of a request.
        running: Counts the requests that run, and says when no more are taken.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        *,
        api: RestApi,
        metrics: Metrics,
        metrics_path: str | None,
        max_bytes: int,
        running: Running,
    ) -> None:
        self.api = api
        self.metrics = metrics
        self.metrics_path = metrics_path
        self.max_bytes = max_bytes
        self.running = running
        super().__init__(address, _Handler)

    def stop(self) -> None:
        """Takes no more connections; those that are open are refused at their next request."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Logs what broke a connection; the default prints to the terminal."""
        _log.debug("connection of %s broke", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpServer
    timeout = 60  # seconds that a silent connection keeps its thread

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_POST

    def _answer(self) -> None:
        taken = self.server.running.begin()
        try:
            body = self._body()
            path = self.path.partition("?")[0]
            if body is None:
                self.close_connection = True
            elif not taken:
                self._send(503, error_json("the server is going down"))
            elif self.command == "GET" and path == self.server.metrics_path:
                self._send(200, self.server.metrics.text(), "text/plain")
            elif not path.lower().startswith("/v1/"):
                self._send(404, error_json(f"Unexpected path: {path}"))
            else:
                self._rest(path, body)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        finally:
            if taken:
                self.server.running.end()

    def _rest(self, path: str, body: bytes) -> None:
        start = time.perf_counter()
        name = action = ""
        try:
            spec, action = self.server.api.route(self.command, path)
            name = spec.name
            text = self.server.api.answer(spec, action, body)
        except StatusError as error:
            self.server.metrics.request(name, error.code.name)
            self._send(_HTTP.get(error.code, 500), error_json(error.message))
            return
        except RecursionError:
            self.server.metrics.request(name, Code.INVALID_ARGUMENT.name)
            self._send(400, error_json("The document is nested too deeply"))
            return
        except Exception as raised:
            _log.exception("%s %s failed", self.command, path)
            self.server.metrics.request(name, Code.INTERNAL.name)
            self._send(500, error_json(internal(raised).message))
            return
        labels = (("model_name", name), ("API", action), ("entrypoint", "REST"))
        micros = (time.perf_counter() - start) * 1e6
        self.server.metrics.latency("request_latency", labels, micros)
        self.server.metrics.request(name, Code.OK.name)
        self._send(200, text)

    def _body(self) -> bytes | None:
        """The request's body; None if it was refused and answered already."""
        lengths, codings = map(self.headers.get_all, ("Content-Length", "Transfer-Encoding"))
        if codings:
            # Two servers that read one request in two ways find two requests in it.
            if lengths or [one.strip().lower() for one in codings] != ["chunked"]:
                self._refuse(400, "A body must be chunked, or have a Content-Length")
                return None
            return self._chunks()
        length = (lengths or ["0"])[0].strip()
        if len(lengths or "1") > 1 or not (length.isascii() and length.isdigit()):
            self._refuse(400, f"Malformed Content-Length: {', '.join(lengths or [])[:100]}")
            return None
        if len(length) > _MOST_DIGITS or int(length) > self.server.max_bytes:
            self._too_large(length[:_MOST_DIGITS])
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _chunks(self) -> bytes | None:
        parts: list[bytes] = []
        total = 0
        while True:
            line = self.rfile.readline(1024)
            size = line.partition(b";")[0].strip(b" \t\r\n")
            if not (_CHUNK_SIZE.fullmatch(size) and line.endswith(b"\n")):
                self._refuse(400, "Malformed chunk")
                return None
            total += int(size, 16)
            if total > self.server.max_bytes:
                self._too_large(total)
                return None
            if int(size, 16) == 0:
                while self.rfile.readline(1024).strip():
                    continue
                return b"".join(parts)
            parts.append(self.rfile.read(int(size, 16)))
            if self.rfile.readline(3) not in (b"\r\n", b"\n"):
                self._refuse(400, "Malformed chunk")
                return None

    def _too_large(self, size: int | str) -> None:
        limit = self.server.max_bytes
        self._refuse(413, f"Received message larger than max ({size} vs. {limit})")

    def _refuse(self, status: int, message: str) -> None:
        """Answers a request whose body is not read, so that what comes behind it is not either."""
        self.close_connection = True
        self._send(status, error_json(message))

    def _send(self, status: int, text: str, content_type: str = "application/json") -> None:
        data = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        if self.server.running.closing or self.close_connection:
            self.send_header("Connection", "close")  # which also ends it here
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            if self.command != "HEAD":
                self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug(format, *args)
