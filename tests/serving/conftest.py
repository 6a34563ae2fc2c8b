import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

import serving
import tfrs_afm
from serving import LocalServer, ServerOptions
from tests.serving.exported import Exported
from tests.serving.exporting import rankers
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


@pytest.fixture(scope="session")
def afm(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """An AFM over every kind of feature that ranks candidates from examples."""
    folder = tmp_path_factory.mktemp("afm")
    columns = rankers.columns(folder / "occupations.txt")
    # Of so many columns, three steps run sooner than the graph of one is traced; the other models
    # here are trained in a graph, as users' are.
    model = tfrs_afm.models.AFM(columns, attention_units=4, l2=0.01)
    model = rankers.trained(model, run_eagerly=True)
    path = serving.export(
        model,
        folder / "ranker",
        examples=rankers.examples(8),
        candidate_features=rankers.CANDIDATE_FEATURES,
    )
    (folder / "occupations.txt").unlink()
    return Exported(model, path)


@pytest.fixture(scope="session")
def afm_session(afm: Exported) -> Iterator[serving.Session]:
    """The AFM, loaded: the first run of each signature takes a second, so tests share it."""
    with serving.Session(afm.path) as session:
        yield session


@pytest.fixture(scope="session")
def deepfm(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A DeepFM over three features that ranks candidates from ids."""
    folder = tmp_path_factory.mktemp("deepfm")
    model = rankers.trained(tfrs_afm.models.DeepFM(rankers.small_columns(), units=(4,)))
    path = serving.export(model, folder / "ranker", candidate_features=["movie_id"])
    return Exported(model, path)


@pytest.fixture(scope="session")
def ranker_server(
    afm: Exported, deepfm: Exported, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalServer]:
    """A server with both: `afm` and `deepfm`."""
    config = tmp_path_factory.mktemp("config") / "models.config"
    models = [
        f'config {{ name: "{name}" base_path: "{one.path.parent}" model_platform: "tensorflow" }}'
        for name, one in (("afm", afm), ("deepfm", deepfm))
    ]
    config.write_text("model_config_list { " + " ".join(models) + " }")
    options = ServerOptions(
        model_config_file=config,
        file_system_poll_wait_seconds=-1,
        enable_signature_method_name_check=True,
    )
    with LocalServer(options) as running:
        yield running
