"""What a local server is told."""

import os
from dataclasses import dataclass

METRICS_PATH = "/monitoring/prometheus/metrics"
"""Where metrics are read, unless `monitoring_config_file` names another path."""


@dataclass(frozen=True)
class ServerOptions:
    """Settings of a local server; names and defaults are `tensorflow_model_server`'s.

    The exceptions: ports default to free ones, `host` and `max_request_bytes` exist only here.

    Attributes:
        model_name: Name of the one model; ignored with `model_config_file`.
        model_base_path: Its folder of versions; ignored with `model_config_file`.
        model_config_file: Text file of a ModelServerConfig, for several models.
        model_config_file_poll_wait_seconds: Seconds between reads of that file; 0 reads once.
        host: Address to listen at. The default can be reached from this machine only.
        port: gRPC port; 0 takes a free one.
        rest_api_port: REST port; 0 takes a free one.
        rest_api_timeout_in_ms: Milliseconds a REST request may compute.
        grpc_max_threads: Requests that gRPC computes at once.
        grpc_channel_arguments: `key=value` pairs with commas, for the gRPC server.
        max_request_bytes: Largest message over gRPC or REST.
        file_system_poll_wait_seconds: Seconds between looks for new versions; 0 looks once,
            a negative number never.
        max_num_load_retries: How often a failed load is tried again.
        load_retry_interval_micros: Microseconds between these tries.
        enable_model_warmup: Whether `assets.extra/tf_serving_warmup_requests` are sent.
        num_request_iterations_for_warmup: How often each of them is sent.
        enable_signature_method_name_check: Whether a signature's method name must fit.
        allow_version_labels_for_unavailable_models: Whether a new label may name a version
            that is not loaded.
        monitoring_config_file: Text file of a MonitoringConfig.

    Raises:
        ValueError: If no model is named, or a number is out of range.
    """

    model_name: str = "default"
    model_base_path: str | os.PathLike[str] = ""
    model_config_file: str | os.PathLike[str] = ""
    model_config_file_poll_wait_seconds: float = 0
    host: str = "127.0.0.1"
    port: int = 0
    rest_api_port: int = 0
    rest_api_timeout_in_ms: int = 30_000
    grpc_max_threads: int = 16
    grpc_channel_arguments: str = ""
    max_request_bytes: int = 1 << 28
    file_system_poll_wait_seconds: float = 1
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 1
    enable_signature_method_name_check: bool = False
    allow_version_labels_for_unavailable_models: bool = False
    monitoring_config_file: str | os.PathLike[str] = ""

    def __post_init__(self) -> None:
        if not self.model_config_file and not self.model_base_path:
            raise ValueError(
                "`model_base_path` must name a folder. Received: model_base_path=''. "
                "Give the folder of versions, or a `model_config_file`."
            )
        for name in ("port", "rest_api_port"):
            if not 0 <= getattr(self, name) < 65_536:
                raise ValueError(
                    f"`{name}` must be from 0 to 65535. Received: {name}={getattr(self, name)}. "
                    "0 takes a free port."
                )
        for name in ("grpc_max_threads", "max_request_bytes", "num_request_iterations_for_warmup"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be positive. Received: {name}={getattr(self, name)}. "
                    "Leave it out for the default."
                )
