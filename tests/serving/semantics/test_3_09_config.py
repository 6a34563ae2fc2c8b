"""Several models, labels, and what a new configuration changes."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving import LocalServer, ServerOptions, StatusError
from serving.server.config_files import check_config, read_config
from serving.status_error import Code
from tests.serving.conftest import Stubs
from tests.serving.polling import eventually
from tests.serving.rest_client import RestClient
from tests.serving.semantics.managers import Make, answer, config, states
from tests.serving.semantics.requests import refusal


def model(built: Any) -> Any:
    return built.model_config_list.config[0]


def test_a_label_names_a_version_that_is_loaded(
    make: Make, toy: Path, toy_100: Path, tmp_path: Path
) -> None:
    shutil.copytree(toy, tmp_path / "m" / "1")
    shutil.copytree(toy_100, tmp_path / "m" / "2")
    manager = make()
    wanted = config(tmp_path / "m", every=True)
    manager.reload(wanted)
    labelled = model_server_config_pb2.ModelServerConfig()
    labelled.CopyFrom(wanted)
    model(labelled).version_labels["stable"] = 1
    manager.reload(labelled)
    from tests.serving.semantics.requests import predict_request

    spec = predict_request().model_spec
    spec.name, spec.version_label = "m", "stable"
    with manager.servable(spec) as servable:
        assert servable.version == 1
    spec.version_label = "canary"
    with (
        pytest.raises(StatusError, match="Unrecognized servable version label: canary"),
        manager.servable(spec),
    ):
        pass


def test_a_label_for_a_version_that_is_not_loaded_is_refused_unless_allowed(
    make: Make, toy: Path, tmp_path: Path
) -> None:
    shutil.copytree(toy, tmp_path / "m" / "1")
    wanted = config(tmp_path / "m")
    model(wanted).version_labels["stable"] = 1
    strict = make()
    with pytest.raises(StatusError) as caught:
        strict.reload(wanted)
    assert caught.value.code == Code.FAILED_PRECONDITION
    assert caught.value.message == (
        "Request to assign label to version 1 of model m, which is not currently available for "
        "inference"
    )
    lenient = make(allow_version_labels_for_unavailable_models=True)
    lenient.reload(wanted)
    assert answer(lenient) == 2.0
    moved = model_server_config_pb2.ModelServerConfig()
    moved.CopyFrom(wanted)
    model(moved).version_labels["stable"] = 9  # an existing label may not go astray
    with pytest.raises(StatusError, match="label to version 9"):
        lenient.reload(moved)


def test_a_reload_realises_exactly_the_new_models(make: Make, toy: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(toy, tmp_path / name / "1")
    manager = make()
    manager.reload(config(tmp_path / "a", "a"))
    manager.reload(config(tmp_path / "b", "b"))
    assert answer(manager, name="b") == 2.0
    with pytest.raises(StatusError, match=r"Latest\(a\)"):
        answer(manager, name="a")
    assert [state.name for state in states(manager, "a").values()] == ["END"]
    manager.reload(config(tmp_path / "a", "a"))
    assert answer(manager, name="a") == 2.0


def _broken(kind: str) -> Any:
    built = config(Path("/m"))
    if kind == "twice":
        built.model_config_list.config.add(name="m", base_path="/m", model_platform="tensorflow")
    elif kind == "relative":
        model(built).base_path = "m"
    elif kind == "no platform":
        model(built).model_platform = ""
    elif kind == "both":
        model(built).model_type = model_server_config_pb2.TENSORFLOW
    elif kind == "type":
        model(built).model_platform = ""
        model(built).model_type = model_server_config_pb2.OTHER
    elif kind == "unknown":
        model(built).model_platform = "torch"
    elif kind == "custom":
        built.custom_model_config.SetInParent()
    return built


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("twice", "Illegal to list model m multiple times in config list"),
        (
            "relative",
            "Expected model m to have an absolute path or URI; got base_path()=m",
        ),
        ("no platform", "Illegal setting neither ModelServerConfig::model_type (deprecated) nor"),
        ("both", "Illegal setting both ModelServerConfig::model_type (deprecated) and"),
        ("type", "ModelServerConfig::model_type choice 2 not supported."),
        ("unknown", "Model m requests unsupported platform torch"),
        ("custom", "Missing custom_model_config_loader in ServerCore Options"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(kind: str, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        check_config(_broken(kind), model_server_config_pb2.ModelServerConfig())
    assert caught.value.code == Code.INVALID_ARGUMENT
    assert caught.value.message.startswith(message)


def test_a_model_cannot_change_its_platform() -> None:
    new = config(Path("/m"))
    model(new).model_platform = "torch"
    with pytest.raises(StatusError, match="Illegal to change a model's platform"):
        check_config(new, config(Path("/m")))


def test_the_deprecated_model_type_still_works() -> None:
    built = config(Path("/m"))
    model(built).model_platform = ""
    model(built).model_type = model_server_config_pb2.TENSORFLOW
    check_config(built, model_server_config_pb2.ModelServerConfig())


def test_a_configuration_file_is_text_of_the_proto(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_text(
        'model_config_list { config { name: "m" base_path: "/m" model_platform: "tensorflow" } }'
    )
    read = read_config(ServerOptions(model_config_file=file))
    assert model(read).name == "m"
    nested = "tensorflow.serving.ModelServerConfig"
    deep = f"custom_model_config {{ [type.googleapis.com/{nested}] {{ " * 5_000
    for text in ("model_config_list {", deep, "\0", "model_config_list { config { name: 3 } }"):
        file.write_text(text)
        with pytest.raises(StatusError, match="Error parsing text-format"):
            read_config(ServerOptions(model_config_file=file))


def test_a_changed_file_is_taken_and_a_bad_one_ignored(toy: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(toy, tmp_path / name / "1")
    file = tmp_path / "models.config"

    def write(*names: str) -> None:
        new = tmp_path / "new"
        new.write_text(
            "model_config_list { "
            + "".join(
                f'config {{ name: "{name}" base_path: "{tmp_path / name}" '
                'model_platform: "tensorflow" } '
                for name in names
            )
            + "}"
        )
        new.rename(file)

    write("a")
    options = ServerOptions(
        model_config_file=file,
        model_config_file_poll_wait_seconds=0.01,
        file_system_poll_wait_seconds=0.01,
    )
    with LocalServer(options) as server:
        rest = RestClient(server.rest_url)
        assert rest.ask("/v1/models/b")[0] == 404
        file.write_text("nonsense")
        write("a", "b")
        eventually(lambda: rest.ask("/v1/models/b:predict", {"instances": [1.0]})[0] == 200)
        assert rest.ask("/v1/models/a:predict", {"instances": [1.0]})[0] == 200


def test_models_are_reloaded_and_their_status_told_over_grpc(toy: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(toy, tmp_path / name / "1")
    options = ServerOptions(model_name="a", model_base_path=tmp_path / "a")
    with LocalServer(options) as server:
        stubs = Stubs(server.grpc_address)
        request = model_management_pb2.ReloadConfigRequest(config=config(tmp_path / "b", "b"))
        assert stubs.model.HandleReloadConfigRequest(request).status.error_code == 0
        status = get_model_status_pb2.GetModelStatusRequest()
        status.model_spec.name = "b"
        (one,) = stubs.model.GetModelStatus(status).model_version_status
        assert (one.version, one.state) == (1, 30)
        assert refusal(
            stubs.model.GetModelStatus, get_model_status_pb2.GetModelStatusRequest()
        ) == ("INVALID_ARGUMENT", "Missing ModelSpec")
        code, message = refusal(
            stubs.model.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest()
        )
        assert code == "INVALID_ARGUMENT"
        assert message.startswith("ServerModelConfig type not supported")
        stubs.close()
