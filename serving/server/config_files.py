"""The text files that a server is given: models, batching, monitoring, certificates, sessions."""

import os
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import text_format
from tensorflow.core.protobuf import config_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server.batching import BatchingParameters
from serving.server.options import ServerOptions
from serving.status_error import Code, StatusError, invalid
from serving.wire.messages import message_class

METRICS_PATH = "/monitoring/prometheus/metrics"
"""Where metrics are read, unless `monitoring_config_file` names another path."""


def read_message(file: str | os.PathLike[str], message: Any) -> Any:
    """Reads a text file into a protocol message.

    Args:
        file: The file.
        message: An empty message of its kind.

    Returns:
        The message.

    Raises:
        StatusError: INVALID_ARGUMENT if the file says anything that the message has no field for.
        OSError: If the file cannot be read.
    """
    try:
        return text_format.Parse(Path(file).read_text("utf-8"), message)
    except (text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        name = message.DESCRIPTOR.full_name
        raise invalid(f"Error parsing text-format {name}: {file}: {error}") from error


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
    return read_message(options.model_config_file, config)


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


def metrics_path(file: str | os.PathLike[str]) -> str | None:
    """The path of the metrics page.

    Args:
        file: Text file of a MonitoringConfig, or empty for the default page.

    Returns:
        The path, or None if metrics are switched off.

    Raises:
        StatusError: INVALID_ARGUMENT if the file says anything else.
    """
    if not file:
        return METRICS_PATH
    config = read_message(file, message_class("tensorflow.serving.MonitoringConfig")())
    if not config.prometheus_config.enable:
        return None
    return config.prometheus_config.path or METRICS_PATH


def session_config(options: ServerOptions) -> bytes:
    """The serialized ConfigProto of the sessions, empty for TensorFlow's defaults.

    Raises:
        StatusError: INVALID_ARGUMENT if the file is no ConfigProto, or all three flags of
            parallelism are given.
        OSError: If the file cannot be read.
    """
    config = config_pb2.ConfigProto()
    if options.tensorflow_session_config_file:
        read_message(options.tensorflow_session_config_file, config)
    both = options.tensorflow_session_parallelism
    intra, inter = options.tensorflow_intra_op_parallelism, options.tensorflow_inter_op_parallelism
    if both and intra and inter:
        raise invalid(
            "Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, "
            "server_options.tensorflow_inter_op_parallelism) separately. You cannot configure all."
        )
    if intra or inter:
        both = 0
    config.intra_op_parallelism_threads = intra or both or config.intra_op_parallelism_threads
    config.inter_op_parallelism_threads = inter or both or config.inter_op_parallelism_threads
    return bytes(config.SerializeToString())


def grpc_credentials(file: str | os.PathLike[str]) -> Any:
    """What gRPC proves who it is with, None without a file.

    Args:
        file: Text file of an SSLConfig, which holds the texts of key and certificates.

    Raises:
        StatusError: INVALID_ARGUMENT if the file is no SSLConfig, has no key or no certificate, or
            asks for certificates of clients and does not say who signs them.
        OSError: If the file cannot be read.
    """
    if not file:
        return None
    config = read_message(file, message_class("tensorflow.serving.SSLConfig")())
    if not (config.server_key and config.server_cert):
        raise invalid(f"server_key and server_cert must be set in {file}")
    if config.client_verify and not config.custom_ca:
        raise invalid(f"client_verify needs a custom_ca, which signs the clients, in {file}")
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def batching_parameters(file: str | os.PathLike[str]) -> BatchingParameters:
    """How requests are joined.

    Args:
        file: Text file of a BatchingParameters, or empty for the defaults.

    Raises:
        StatusError: INVALID_ARGUMENT if the file is no BatchingParameters, or its numbers do not
            fit together.
        OSError: If the file cannot be read.
    """
    message = message_class("tensorflow.serving.BatchingParameters")()
    if file:
        read_message(file, message)
    given: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.message_type is not None:
            given[field.name] = value.value
        else:
            given[field.name] = tuple(value) if field.name == "allowed_batch_sizes" else value
    return BatchingParameters(**given)
