"""Which models a server serves: its configuration, checked as TensorFlow Serving checks it."""

import os
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import invalid
from serving.server.options import ServerOptions
from serving.status_error import Code, StatusError


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
