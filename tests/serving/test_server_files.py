import re
import shutil
import tarfile
from pathlib import Path

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

import serving
from serving import ServerOptions, write_server_files
from serving.server.config_files import metrics_path, read_config
from serving.server.options import add_flags


def test_models_config_is_what_the_server_s_own_message_reads(tmp_path: Path) -> None:
    write_server_files(tmp_path / "ranker")
    file = tmp_path / "models.config"
    config = text_format.Parse(file.read_text(), model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("ranker", "/models/ranker")
    assert read_config(ServerOptions(model_config_file=file)) == config
    # The lines that are left to uncomment are right too.
    whole = file.read_text().replace("    # m", "    m").replace("    # v", "    v")
    config = text_format.Parse(whole, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert dict(model.version_labels) == {"stable": 1, "canary": 2}
    assert list(model.model_version_policy.specific.versions) == [1, 2]


def test_monitoring_is_where_the_local_server_has_it_too(tmp_path: Path) -> None:
    write_server_files(tmp_path / "ranker")
    assert metrics_path(tmp_path / "monitoring.txt") == "/monitoring/prometheus/metrics"


def test_compose_names_files_that_are_there_and_flags_that_exist(tmp_path: Path) -> None:
    import argparse

    write_server_files(tmp_path / "ranker")
    lines = (tmp_path / "compose.yaml").read_text().splitlines()
    flags = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- --")]
    assert len(flags) == 6
    parser = argparse.ArgumentParser()
    add_flags(parser)  # the real server's spelling
    assert parser.parse_known_args(flags)[1] == []
    for flag in flags:
        value = flag.partition("=")[2]
        if value.startswith("/models/"):
            assert (tmp_path / value.removeprefix("/models/")).is_file()


def test_every_setting_is_explained(tmp_path: Path) -> None:
    for file in write_server_files(tmp_path / "ranker"):
        assert file.read_text().startswith("# ")


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "models.config").write_text("mine")
    written = write_server_files(tmp_path / "ranker")
    assert [file.name for file in written] == [
        "batching_parameters.txt",
        "monitoring.txt",
        "compose.yaml",
    ]
    assert (tmp_path / "models.config").read_text() == "mine"
    assert write_server_files(tmp_path / "ranker") == []


def test_a_name_that_would_break_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`base_path` must end in letters"):
        write_server_files(tmp_path / 'ran"ker')


def test_the_image_is_a_version_and_not_whatever_is_newest(tmp_path: Path) -> None:
    (tmp_path / "ranker" / "1").mkdir(parents=True)
    for file in write_server_files(tmp_path / "ranker", platforms=["kserve", "kubernetes"]):
        assert "latest}" not in file.read_text()
        assert ":latest" not in file.read_text()
    (image,) = re.findall(r"image: (\S+)", (tmp_path / "kubernetes.yaml").read_text())
    assert re.fullmatch(r"tensorflow/serving:[0-9]+[.][0-9]+[.][0-9]+", image)
    compose = (tmp_path / "compose.yaml").read_text()
    assert f"${{TF_SERVING_TAG:-{image.partition(':')[2]}}}" in compose


def test_kubernetes_runs_the_command_line_of_compose_and_asks_whether_it_is_ready(
    tmp_path: Path,
) -> None:
    write_server_files(tmp_path / "My_ranker", platforms=["kserve", "kubernetes"])
    deployment, service = yaml.safe_load_all((tmp_path / "kubernetes.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((tmp_path / "compose.yaml").read_text())
    assert container["args"] == compose["services"]["serving"]["command"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/v1/models/My_ranker", "port": "rest"}
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == labels
    kserve = yaml.safe_load((tmp_path / "kserve.yaml").read_text())
    model = kserve["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "tensorflow"}
    assert model["storageUri"] == "pvc://models/My_ranker"
    for name in (kserve["metadata"]["name"], deployment["metadata"]["name"]):
        assert name == "my-ranker"  # what a host may be called


def test_the_archive_is_the_newest_version_and_serves(toy: Path, tmp_path: Path) -> None:
    for number in ("2", "10"):
        shutil.copytree(toy, tmp_path / "toy" / number)
    (*_, file) = write_server_files(tmp_path / "toy", platforms=["sagemaker"])
    assert file.name == "toy-10.tar.gz"
    before = file.read_bytes()
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path / "opt", filter="data")
    with serving.Session(tmp_path / "opt" / "export" / "Servo" / "10") as session:
        assert session.run("serving_default", {"x": [1.0]})["y"].tolist() == [2.0]
    assert write_server_files(tmp_path / "toy", platforms=["sagemaker"]) == []
    file.unlink()
    assert write_server_files(tmp_path / "toy", platforms=["sagemaker"]) == [file]
    assert file.read_bytes() == before
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]


def test_platforms_that_are_unknown_or_have_no_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`platforms` must be among .* platforms=\['triton'\]"):
        write_server_files(tmp_path / "toy", platforms=["triton"])
    with pytest.raises(ValueError, match="`base_path` must hold a version"):
        write_server_files(tmp_path / "toy", platforms=["sagemaker"])
