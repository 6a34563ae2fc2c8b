"""Version managers over small model folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tensorflow_serving.config import model_server_config_pb2

from serving import Session, StatusError
from serving.server.servable import Servable
from serving.server.version_manager import State, VersionManager
from serving.server.warmup import warm_up
from tests.serving.semantics.requests import floats, predict_request

Make = Callable[..., VersionManager]


def config(base: Path, name: str = "m", **policy: Any) -> Any:
    built = model_server_config_pb2.ModelServerConfig()
    model = built.model_config_list.config.add(
        name=name, base_path=str(base), model_platform="tensorflow"
    )
    if "versions" in policy:
        model.model_version_policy.specific.versions.extend(policy["versions"])
    elif "latest" in policy:
        model.model_version_policy.latest.num_versions = policy["latest"]
    elif policy:
        model.model_version_policy.all.SetInParent()
    return built


def load(path: Path, version: int) -> Servable:
    servable = Servable(Session(path), version)
    try:
        warm_up(servable, path)
    except StatusError:
        servable.close()
        raise
    return servable


def states(manager: VersionManager, name: str = "m") -> dict[int, State]:
    return {version: state.state for version, state in manager.states(name).items()}


def answer(manager: VersionManager, version: int | None = None, name: str = "m") -> float:
    """What the model says to x = 1: 2 for the toy, 102 for its second version."""
    request = predict_request(x=floats(1.0))
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    with manager.servable(request.model_spec) as servable:
        return float(servable.predict(request).outputs["y"].float_val[0])
