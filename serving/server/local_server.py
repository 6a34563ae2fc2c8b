"""The local server: gRPC, REST and the watch over the versions, in this process."""

import logging
import os
import threading
import time
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.publishing.disk import no_files
from serving.server.batching import PER_MODEL_FILE, Batcher, BatchingParameters
from serving.server.config_files import (
    batching_parameters,
    grpc_credentials,
    metrics_path,
    read_config,
    session_config,
)
from serving.server.grpc_services import HealthService, ModelService, PredictionService
from serving.server.metrics import Metrics
from serving.server.options import ServerOptions
from serving.server.rest.http_server import HttpServer
from serving.server.rest.rest_api import RestApi
from serving.server.running import RefuseWhenClosing, Running
from serving.server.servable import Servable
from serving.server.version_manager import VersionManager
from serving.server.warmup import warm_up
from serving.session.session import Session
from serving.status_error import Code, StatusError, invalid

_log = logging.getLogger(__name__)


class LocalServer:
    """Answers as TensorFlow Serving's model server does, for development and tests.

    It speaks the same gRPC and REST, loads models by the same C library, and refuses what the
    real server refuses with the same codes and words. It is not for production: it is one Python
    process. The same folder under the stock `tensorflow/serving` image answers the same.

    Args:
        options: Which models, where to listen, and how.

    Raises:
        StatusError: From `start`, if the configuration is refused or a model does not load.
        OSError: From `start`, if a port is taken.

    Example:
        ```python
        options = ServerOptions(model_name="ranker", model_base_path="models/ranker")
        with LocalServer(options) as server:
            print(server.grpc_address, server.rest_url)
        ```
    """

    def __init__(self, options: ServerOptions) -> None:
        self.options = options
        self.metrics = Metrics()
        self.manager = VersionManager(options, self._load)
        self._stop = threading.Event()
        self._running = Running()
        self._watcher: threading.Thread | None = None
        self._grpc: Any = None
        self._http: HttpServer | None = None
        self._http_thread: threading.Thread | None = None
        self._config_read = time.monotonic()
        self._config: Any = None
        self._session_config = b""
        self._batching: BatchingParameters | None = None
        self.grpc_port = 0
        self.rest_port = 0

    @property
    def grpc_address(self) -> str:
        """Host and port of gRPC."""
        return f"{_in_address(self.options.host)}:{self.grpc_port}"

    @property
    def rest_url(self) -> str:
        """Where REST paths begin."""
        return f"http://{_in_address(self.options.host)}:{self.rest_port}"

    def start(self) -> "LocalServer":
        """Loads the models, then opens the ports.

        A base path without versions is no error: the server starts, answers NOT_FOUND, and
        takes the first version that appears.
        """
        try:
            path = metrics_path(self.options.monitoring_config_file)
            credentials = grpc_credentials(self.options.ssl_config_file)
            self._session_config = session_config(self.options)
            if self.options.enable_batching:
                self._batching = batching_parameters(self.options.batching_parameters_file)
            self._config = read_config(self.options)
            self.manager.reload(self._config)
            self._start_grpc(credentials)
            self._start_http(path)
        except BaseException:
            self.stop(grace=0)
            raise
        self._watcher = threading.Thread(target=self._watch, name="versions", daemon=True)
        self._watcher.start()
        return self

    def _load(self, path: Path, version: int) -> Servable:
        odd = no_files(path) if path.is_dir() else []
        if odd:  # whoever opens a pipe waits for ever
            raise invalid(f"{odd[0]} is no file")
        batching = self._batching
        if self.options.enable_per_model_batching_parameters:
            own = path / PER_MODEL_FILE
            batching = batching_parameters(own) if own.is_file() else None
        session = Session(
            path, config=self._session_config, tags=self.options.saved_model_tags.split(",")
        )
        servable = Servable(
            session,
            version,
            check_method=self.options.enable_signature_method_name_check,
            as_content=self.options.enable_serialization_as_tensor_content,
            batcher=Batcher(session, batching, self.metrics) if batching else None,
        )
        if self.options.enable_model_warmup:
            start = time.perf_counter()
            try:
                iterations = self.options.num_request_iterations_for_warmup
                warm_up(servable, path, iterations=iterations)
            except OSError as error:
                servable.close()
                raise StatusError(Code.NOT_FOUND, str(error)) from error
            except BaseException:
                servable.close()
                raise
            labels = (("model_path", str(path)), ("status", Code.OK.name))
            micros = (time.perf_counter() - start) * 1e6
            self.metrics.latency("model_warmup_latency", labels, micros)
        return servable

    def _start_grpc(self, credentials: Any) -> None:
        options: list[tuple[str, Any]] = [
            ("grpc.max_receive_message_length", self.options.max_request_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a taken port is an error, not half the requests
        ]
        for pair in filter(None, self.options.grpc_channel_arguments.split(",")):
            key, _, value = pair.partition("=")
            options.append((key, int(value) if value.lstrip("-").isdigit() else value))
        self._grpc = grpc.server(
            futures.ThreadPoolExecutor(self.options.grpc_max_threads, "grpc"),
            interceptors=(RefuseWhenClosing(self._running),),
            options=options,
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self.manager, self.metrics), self._grpc
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self.manager), self._grpc
        )
        if self.options.enable_grpc_healthcheck_service:
            self._grpc.add_generic_rpc_handlers((HealthService(self._is_healthy),))
        address = f"{_in_address(self.options.host)}:{self.options.port}"
        try:
            self.grpc_port = self._listen(address, credentials)
        except RuntimeError as error:
            raise OSError(
                f"`port` must be free, and `ssl_config_file` hold a key and its certificate. "
                f"Received: port={self.options.port} at {self.options.host}, ssl_config_file="
                f"{self.options.ssl_config_file}. Choose another, or 0 for a free one."
            ) from error
        if self.options.grpc_socket_path:
            path = os.fspath(self.options.grpc_socket_path)
            try:
                self._listen(f"unix:{path}", credentials)
            except RuntimeError as error:
                raise OSError(
                    "`grpc_socket_path` must be a path where a socket can be made. Received: "
                    f"grpc_socket_path={path}. Choose another."
                ) from error
        self._grpc.start()

    def _listen(self, address: str, credentials: Any) -> int:
        if credentials is None:
            return int(self._grpc.add_insecure_port(address))
        return int(self._grpc.add_secure_port(address, credentials))

    def _start_http(self, path: str | None) -> None:
        api = RestApi(self.manager, timeout_ms=self.options.rest_api_timeout_in_ms)
        try:
            self._http = HttpServer(
                (self.options.host, self.options.rest_api_port),
                api=api,
                metrics=self.metrics,
                metrics_path=path,
                max_bytes=self.options.max_request_bytes,
                running=self._running,
                most_at_once=self.options.rest_api_num_threads,
                cors=self.options.rest_api_enable_cors_support,
            )
        except OSError as error:
            raise OSError(
                f"`rest_api_port` must be free. Received: rest_api_port="
                f"{self.options.rest_api_port} at {self.options.host}. Choose another, or 0 "
                "for a free one."
            ) from error
        self.rest_port = self._http.server_address[1]
        self._http_thread = threading.Thread(
            target=self._http.serve_forever, args=(0.1,), name="rest", daemon=True
        )
        self._http_thread.start()

    def _is_healthy(self) -> bool:
        """Whether requests are taken, and new versions are looked for."""
        watched = self._watcher is None or self._watcher.is_alive()
        return watched and not self._stop.is_set()

    def _watch(self) -> None:
        self.manager.watch(self._stop, self._reread_config)

    def _reread_config(self) -> None:
        """Takes a changed configuration file; a bad one is logged and ignored."""
        wait = self.options.model_config_file_poll_wait_seconds
        now = time.monotonic()
        if not self.options.model_config_file or wait <= 0 or now - self._config_read < wait:
            return
        self._config_read = now
        try:
            config = read_config(self.options)
            if config != self._config:
                self.manager.reload(config)
                self._config = config
        except Exception as error:
            _log.error("the configuration file was not taken: %s", error)

    def stop(self, grace: float = 10.0) -> None:
        """Takes no new requests, answers those that run, and frees the models.

        A request that comes meanwhile gets UNAVAILABLE, over REST 503 and `Connection: close`.

        Args:
            grace: Seconds to wait for running requests.
        """
        self._stop.set()
        end = time.monotonic() + grace
        self._running.close(grace)
        if self._http is not None and self._http_thread is not None:
            self._http.stop()
            self._http_thread.join()
        if self._grpc is not None:
            self._grpc.stop(max(end - time.monotonic(), 0.0)).wait()
        if self._watcher is not None:
            self._watcher.join()
        self.manager.close()

    def __enter__(self) -> "LocalServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _in_address(host: str) -> str:
    """A host as it stands before `:port`: numbers of IPv6 have colons of their own."""
    return f"[{host}]" if ":" in host else host
