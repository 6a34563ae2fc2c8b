import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving import LocalServer, ServerOptions
from tests.serving.rest_client import RestClient
from tests.serving.toy import save_toy


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy model's version folder; do not change it, copy it."""
    return save_toy(tmp_path_factory.mktemp("toy") / "saved")


@pytest.fixture(scope="session")
def toy_100(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a bias of 100."""
    return save_toy(tmp_path_factory.mktemp("toy_100") / "saved", bias=100.0)


@pytest.fixture(scope="session")
def server(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with version 5 of the model `toy`, for tests that only ask."""
    base = tmp_path_factory.mktemp("models") / "toy"
    shutil.copytree(toy, base / "5")
    options = ServerOptions(
        model_name="toy", model_base_path=base, file_system_poll_wait_seconds=-1
    )
    with LocalServer(options) as running:
        yield running


class Stubs:
    """gRPC stubs to a server."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self.prediction: Any = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model: Any = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def close(self) -> None:
        self.channel.close()


@pytest.fixture(scope="session")
def stubs(server: LocalServer) -> Iterator[Stubs]:
    made = Stubs(server.grpc_address)
    yield made
    made.close()


@pytest.fixture(scope="session")
def rest(server: LocalServer) -> RestClient:
    return RestClient(server.rest_url)
