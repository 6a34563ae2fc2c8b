"""What a local server is told: options, and the command-line flags that set them."""

import argparse
import os
import sys
from dataclasses import MISSING, dataclass, fields
from importlib.metadata import version
from typing import Any

from serving.session.c_library import library


@dataclass(frozen=True)
class ServerOptions:
    """Settings of a local server; names and defaults are `tensorflow_model_server`'s.

    The exceptions: ports default to free ones, threads to 16, health is told unless switched off,
    and `host` and `max_request_bytes` exist only here.

    Attributes:
        model_name: Name of the one model; ignored with `model_config_file`.
        model_base_path: Its folder of versions; ignored with `model_config_file`. A relative one
            is taken from the current folder here, and refused by the command line.
        model_config_file: Text file of a ModelServerConfig, for several models.
        model_config_file_poll_wait_seconds: Seconds between reads of that file; 0 reads once.
        host: Address to listen at. The default can be reached from this machine only.
        port: gRPC port; 0 takes a free one.
        grpc_socket_path: UNIX socket at which gRPC listens too; empty for none.
        rest_api_port: REST port; 0 takes a free one.
        rest_api_num_threads: REST requests that are computed at once; others wait.
        rest_api_timeout_in_ms: Milliseconds that a REST request may take, reading of its JSON
            included.
        rest_api_enable_cors_support: Whether REST answers may be read by pages of other origins.
        grpc_max_threads: Requests that gRPC computes at once.
        grpc_channel_arguments: `key=value` pairs with commas, for the gRPC server.
        enable_grpc_healthcheck_service: Whether gRPC's health service answers.
        ssl_config_file: Text file of an SSLConfig: gRPC then takes TLS only. REST stays plain.
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
        enable_batching: Whether requests that wait are computed together.
        batching_parameters_file: Text file of BatchingParameters; with `enable_batching` only.
        enable_per_model_batching_parameters: Whether a version's own `batching_params.pbtxt` says
            how its requests are joined; those without one are then not joined.
        saved_model_tags: Which graph of a SavedModel is loaded: its tags, with commas.
        tensorflow_session_parallelism: Threads of a run, inside an operation and across; 0 lets
            TensorFlow choose. As in the real server, a process' first model sets it for all.
        tensorflow_intra_op_parallelism: Threads inside an operation.
        tensorflow_inter_op_parallelism: Operations at once.
        tensorflow_session_config_file: Text file of a `tensorflow.ConfigProto`.
        enable_serialization_as_tensor_content: Whether Predict answers with raw bytes. Otherwise
            with typed fields.

    Raises:
        ValueError: If no model is named, a number is out of range, or two settings do not fit.
    """

    model_name: str = "default"
    model_base_path: str | os.PathLike[str] = ""
    model_config_file: str | os.PathLike[str] = ""
    model_config_file_poll_wait_seconds: float = 0
    host: str = "127.0.0.1"
    port: int = 0
    grpc_socket_path: str | os.PathLike[str] = ""
    rest_api_port: int = 0
    rest_api_num_threads: int = 16
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    grpc_max_threads: int = 16
    grpc_channel_arguments: str = ""
    enable_grpc_healthcheck_service: bool = True
    ssl_config_file: str | os.PathLike[str] = ""
    max_request_bytes: int = 1 << 28
    file_system_poll_wait_seconds: float = 1
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 1
    enable_signature_method_name_check: bool = False
    allow_version_labels_for_unavailable_models: bool = False
    monitoring_config_file: str | os.PathLike[str] = ""
    enable_batching: bool = False
    batching_parameters_file: str | os.PathLike[str] = ""
    enable_per_model_batching_parameters: bool = False
    saved_model_tags: str = "serve"
    tensorflow_session_parallelism: int = 0
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0
    tensorflow_session_config_file: str | os.PathLike[str] = ""
    enable_serialization_as_tensor_content: bool = False

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
        for name in (
            *("grpc_max_threads", "rest_api_num_threads", "max_request_bytes"),
            "num_request_iterations_for_warmup",
        ):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be positive. Received: {name}={getattr(self, name)}. "
                    "Leave it out for the default."
                )
        for name in ("session", "intra_op", "inter_op"):
            name = f"tensorflow_{name}_parallelism"
            if getattr(self, name) < 0:
                raise ValueError(
                    f"`{name}` must not be negative. Received: {name}={getattr(self, name)}. "
                    "0 lets TensorFlow choose."
                )
        for name in ("batching_parameters_file", "enable_per_model_batching_parameters"):
            if getattr(self, name) and not self.enable_batching:
                raise ValueError(
                    f"`{name}` must go with `enable_batching`. Received: {name}="
                    f"{getattr(self, name)}, enable_batching=False. Set both or neither."
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


_WITHOUT_EFFECT: dict[str, type] = {
    "num_load_threads": int,
    "num_unload_threads": int,
    "flush_filesystem_caches": bool,
    "platform_config_file": str,
    "per_process_gpu_memory_fraction": float,
    "remove_unused_fields_from_bundle_metagraph": bool,
    "prefer_tflite_model": bool,
    "num_tflite_pools": int,
    "num_tflite_interpreters_per_pool": int,
    "xla_cpu_compilation_enabled": bool,
    "xla_gpu_compilation_enabled": bool,
    "enable_profiler": bool,
    "thread_pool_factory_config_file": str,
    "mixed_precision": str,
    "skip_initialize_tpu": bool,
}


def _transport_is_plain(text: str) -> bool:
    if _boolean(text):
        raise argparse.ArgumentTypeError("must be false: use ssl_config_file for TLS")
    return False


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every field of ServerOptions, and the stock server's other flags.

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
    for name, kind in _WITHOUT_EFFECT.items():
        given: dict[str, Any] = {"nargs": "?", "const": True} if kind is bool else {}
        parser.add_argument(
            f"--{name}",
            type=_boolean if kind is bool else kind,
            help="Taken, since the stock server has it; does nothing here.",
            **given,
        )
    parser.add_argument(
        "--use_alts_credentials",
        type=_transport_is_plain,
        nargs="?",
        const="true",
        help="Must be false: there are no ALTS credentials here.",
    )
    parser.add_argument("--version", nargs=0, action=_Version, help="Print versions and end.")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        library_version = library().TF_Version().decode()
        sys.stdout.write(f"tfrs-afm: {version('tfrs-afm')}\nTensorFlow: {library_version}\n")
        parser.exit()


def without_effect(arguments: argparse.Namespace) -> list[str]:
    """The flags that were given and do nothing here."""
    return [name for name in _WITHOUT_EFFECT if getattr(arguments, name) is not None]


def options_from(arguments: argparse.Namespace) -> ServerOptions:
    """The ServerOptions that parsed flags hold.

    Raises:
        ValueError: If a value is out of range, or the base path is relative, which the stock server
            refuses: it may start in any folder.
    """
    base = arguments.model_base_path
    if base and not os.path.isabs(base) and not arguments.model_config_file:
        raise ValueError(
            "`model_base_path` must be an absolute path, as for tensorflow_model_server. Received: "
            f"model_base_path={base}. Write {os.path.abspath(base)}."
        )
    return ServerOptions(**{f.name: getattr(arguments, f.name) for f in fields(ServerOptions)})
