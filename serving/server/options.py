"""What a local server is told: options, command-line flags, model and monitoring files."""

import argparse
import os
import re
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.status_error import Code, StatusError, invalid

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


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1", "t", "yes"):
        return True
    if text.lower() in ("false", "0", "f", "no"):
        return False
    raise argparse.ArgumentTypeError(f"must be true or false. Received: {text!r}")


def _help(name: str) -> str:
    """The attribute's description in the docstring of ServerOptions: one text, two readers."""
    lines = (ServerOptions.__doc__ or "").splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{name}: "))
    text = lines[start].strip().partition(": ")[2]
    for line in lines[start + 1 :]:
        if not line.startswith(" " * 12):
            break
        text += " " + line.strip()
    return text.replace("%", "%%").replace("`", "")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every field of ServerOptions.

    Args:
        parser: The parser of the `serve` command.
    """
    for field in fields(ServerOptions):
        default: Any = field.default
        if default is MISSING:
            raise TypeError(f"`{field.name}` must have a default. Received: none. Give it one.")
        kind: Any = float if field.type is float else type(default)  # a default may be whole
        kind = _boolean if kind is bool else kind
        extra: dict[str, Any] = {"nargs": "?", "const": True} if kind is _boolean else {}
        parser.add_argument(
            f"--{field.name}",
            type=kind,
            default=default,
            metavar="true|false" if kind is _boolean else field.name.rpartition("_")[2].upper(),
            help=f"{_help(field.name)} Default: {default!r}.",
            **extra,
        )


def options_from(arguments: argparse.Namespace) -> ServerOptions:
    """The ServerOptions that parsed flags hold.

    Raises:
        ValueError: If a value is out of range.
    """
    return ServerOptions(**{f.name: getattr(arguments, f.name) for f in fields(ServerOptions)})


def read_config(options: ServerOptions) -> Any:
    """The ModelServerConfig that the options ask for.

    Returns:
        The text file's content, or a configuration of the one named model.

    Raises:
        StatusError: INVALID_ARGUMENT if the file is not a ModelServerConfig.
        OSError: If the file cannot be read.
    """
    config = model_server_config_pb2.ModelServerConfig()
    if not options.model_config_file:
        config.model_config_list.config.add(
            name=options.model_name,
            base_path=os.path.abspath(options.model_base_path),
            model_platform="tensorflow",
        )
        return config
    try:
        return text_format.Parse(Path(options.model_config_file).read_text("utf-8"), config)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise invalid(
            "Error parsing text-format tensorflow.serving.ModelServerConfig: "
            f"{options.model_config_file}: {error}"
        ) from error


def check_config(config: Any, old: Any) -> None:
    """Refuses a configuration that TensorFlow Serving would refuse.

    Args:
        config: The new ModelServerConfig.
        old: The one in force, or an empty one.

    Raises:
        StatusError: INVALID_ARGUMENT or FAILED_PRECONDITION, in the server's words.
    """
    if old.WhichOneof("config") and config.WhichOneof("config") == "custom_model_config":
        raise StatusError(
            Code.FAILED_PRECONDITION,
            "Cannot transition to requested config. It is only legal to transition "
            "from one ModelConfigList to another.",
        )
    if config.WhichOneof("config") == "custom_model_config":
        raise invalid("Missing custom_model_config_loader in ServerCore Options")
    seen = set()
    for model in config.model_config_list.config:
        if model.name in seen:
            raise invalid(f"Illegal to list model {model.name} multiple times in config list")
        seen.add(model.name)
    for model in config.model_config_list.config:
        if not os.path.isabs(model.base_path):
            raise invalid(
                f"Expected model {model.name} to have an absolute path or URI; got "
                f"base_path()={model.base_path}"
            )
    before = {model.name: platform(model) for model in old.model_config_list.config}
    for model in config.model_config_list.config:
        now = platform(model)
        if before.get(model.name, now) != now:
            raise invalid(
                f"Illegal to change a model's platform. For model {model.name} platform was "
                f"{before[model.name]} and new platform requested is {now}"
            )
        if now != "tensorflow":
            raise invalid(f"Model {model.name} requests unsupported platform {now}")


def platform(model: Any) -> str:
    """The platform of a ModelConfig, from its new field or its deprecated one.

    Raises:
        StatusError: INVALID_ARGUMENT if none is set, or both.
    """
    if model.model_type:
        if model.model_platform:
            raise invalid(
                "Illegal setting both ModelServerConfig::model_type (deprecated) and "
                f"ModelServerConfig::model_platform, model name is {model.name}"
            )
        if model.model_type == model_server_config_pb2.TENSORFLOW:
            return "tensorflow"
        raise invalid(f"ModelServerConfig::model_type choice {model.model_type} not supported.")
    if not model.model_platform:
        raise invalid(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {model.name}"
        )
    return str(model.model_platform)


_CONFIG = re.compile(r"\s*prometheus_config\s*:?\s*{(?P<body>[^}]*)}\s*,?\s*", re.DOTALL)
_FIELD = re.compile(r"""\s*(enable|path)\s*:\s*(true|false|"[^"]*"|'[^']*')\s*[,;]?""")


def metrics_path(file: str | os.PathLike[str]) -> str | None:
    """The path of the metrics page.

    The server's own protocol messages for this file are in no package, so that it is read here:
    `prometheus_config { enable: true, path: "/some/path" }`.

    Args:
        file: The text file, or empty for the default page.

    Returns:
        The path, or None if metrics are switched off.

    Raises:
        StatusError: INVALID_ARGUMENT if the file says anything else.
    """
    if not file:
        return METRICS_PATH
    text = re.sub(r"#.*", "", Path(file).read_text("utf-8"))
    match = _CONFIG.fullmatch(text)
    rest = _FIELD.sub("", match["body"]) if match else text
    if match is None or rest.strip():
        raise invalid(f"Error parsing text-format tensorflow.serving.MonitoringConfig: {file}")
    fields = dict(_FIELD.findall(match["body"]))
    if fields.get("enable") != "true":
        return None
    return fields.get("path", METRICS_PATH).strip("\"'") or METRICS_PATH
