"""The HTTP side of the REST API."""

import contextlib
import logging
import re
import socket
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from serving.server.metrics import Metrics
from serving.server.rest.bodies import BodyError, read_body
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


_CORS = {  # what the real server answers, whoever asks
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
_ABSOLUTE = re.compile(r"(?i)https?://[^/?]*")


class HttpServer(ThreadingHTTPServer):
    """Serves the REST API and the metrics page.

    Args:
        address: Host and port; port 0 takes a free one.
        api: Answers the requests.
        metrics: Counts them.
        metrics_path: Path of the metrics page; None for no page.
        max_bytes: Largest body of a request.
        running: Counts the requests that run, and says when no more are taken.
        most_at_once: Requests that are computed at once; others wait.
        cors: Whether pages of other origins may read the answers.
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
        most_at_once: int,
        cors: bool,
    ) -> None:
        self.api = api
        self.metrics = metrics
        self.metrics_path = metrics_path
        self.max_bytes = max_bytes
        self.running = running
        self.turns = threading.BoundedSemaphore(most_at_once)
        self.cors = cors
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
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
        self._answered = False
        try:
            self._dispatch(taken=taken)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as raised:
            # Whatever it is, the client is told; a dropped connection would be asked again.
            _log.exception("%s %s failed", self.command, self.path)
            self.close_connection = True
            if not self._answered:
                self._send(500, error_json(internal(raised).message))
        finally:
            if taken:
                self.server.running.end()

    def _dispatch(self, *, taken: bool) -> None:
        # A proxy may send the whole address, which servers must take: RFC 9112 section 3.2.2.
        path = _ABSOLUTE.sub("", self.path, count=1).partition("?")[0] or "/"
        try:
            body = read_body(self.headers, self.rfile, self.server.max_bytes)
        except BodyError as error:
            # What comes behind it is not read either.
            self.close_connection = True
            self._send(error.status, error_json(error.message))
            return
        if not taken:
            self._send(503, error_json("the server is going down"))
        elif path == self.server.metrics_path:
            self._send(200, self.server.metrics.text(), "text/plain")
        elif not path.lower().startswith("/v1/"):
            self._send(404, error_json(f"Unexpected path: {path}"))
        elif self.command == "OPTIONS":
            self._preflight()
        else:
            self._rest(path, body)

    def _preflight(self) -> None:
        """Answers a browser that asks whether it may ask."""
        origin = self.headers.get("Origin", "")
        if re.search("https?://", origin):
            self._send(200, "", headers=_CORS if self.server.cors else {})
            return
        message = "Origin header is missing in CORS preflight"
        self._send(400, error_json(message), headers=_CORS if self.server.cors else {})

    def _rest(self, path: str, body: bytes) -> None:
        start = time.monotonic()
        name = action = ""
        code = Code.OK
        try:
            spec, action = self.server.api.route(self.command, path)
            name = spec.name
            with self.server.turns:
                text = self.server.api.answer(spec, action, body, started=start)
        except StatusError as error:
            code, text = error.code, error_json(error.message)
        except RecursionError:
            code, text = Code.INVALID_ARGUMENT, error_json("The document is nested too deeply")
        except Exception as raised:
            _log.exception("%s %s failed", self.command, path)
            code, text = Code.INTERNAL, error_json(internal(raised).message)
        self.server.metrics.request(name, code.name)
        if code == Code.OK:
            labels = (("model_name", name), ("API", action), ("entrypoint", "REST"))
            micros = (time.monotonic() - start) * 1e6
            self.server.metrics.latency("request_latency", labels, micros)
        self._send(_HTTP.get(code, 500), text, headers=_CORS if self.server.cors else {})

    def _send(
        self,
        status: int,
        text: str,
        content_type: str = "application/json",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        data = text.encode("utf-8", "replace")
        self._answered = True
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.server.running.closing or self.close_connection:
            self.send_header("Connection", "close")  # which also ends it here
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            if self.command != "HEAD":
                self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug(format, *args)
