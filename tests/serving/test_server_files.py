from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

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
