"""What two runs must have in common for one to go on where the other stopped."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.configuration.training import Training
from tfrs_afm.optimizers import whole, whole_name


def describe_run(model: Any, training: Training, data: Mapping[str, Any]) -> dict[str, Any]:
    """Describes a run as JSON-like values: model, optimizer, variables, training and data.

    Numbers that Keras appends to names are left out, for they count the layers that a process
    made. The variables are described in their order, because optimizers of tf_keras save their
    slots by position.

    Args:
        model: A compiled model with its variables made.
        training: How it is trained.
        data: What decides the batches, writable as JSON.

    Returns:
        Strings, numbers, None, and lists and dicts of them.
    """
    try:
        config = model.get_config()
    except NotImplementedError:  # a model of one's own
        config = {}
    described = {
        "model": {"kind": type(model).__name__, **config},
        "optimizer": {"kind": type(model.optimizer).__name__, **model.optimizer.get_config()},
        "variables": list(
            dict.fromkeys(  # the shards of a table are one variable
                f"{whole_name(variable)} {whole(variable).shape} {variable.dtype.name}"
                for variable in model.trainable_variables
            )
        ),
        "training": training.deciding(),
        "data": dict(data),
    }
    plain: dict[str, Any] = _plain(described)
    # Scopes that all share are the model's own name; the last number of a part counts layers.
    plain["variables"] = [_without_numbers(name) for name in plain["variables"]]
    return json.loads(json.dumps(plain))


def _plain(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one, str(name)) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, str):
        return re.sub(r"_\d+$", "", value) if key == "name" else value
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, tf.DType):
        return value.name
    if hasattr(value, "get_config"):
        return {"kind": type(value).__name__, **_plain(value.get_config())}
    return type(value).__name__


def _without_numbers(name: str) -> str:
    path, *rest = name.split(" ")
    parts = [re.sub(r"_\d+$", "", part) for part in path.partition(":")[0].split("/")]
    return " ".join(["/".join(parts), *rest])
