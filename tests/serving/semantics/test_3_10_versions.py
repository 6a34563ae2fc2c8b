"""Which versions are served, when they change, and what a damaged copy does: nothing."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from serving import ServerOptions, StatusError
from serving.server.servable import Servable
from serving.server.version_manager import State, VersionManager, aspired_versions
from serving.sidecar import WARMUP_FILE
from serving.status_error import Code
from tests.serving.semantics.managers import Make, answer, config, load, states


def test_children_that_read_as_numbers_are_versions_and_others_are_not(tmp_path: Path) -> None:
    for name in ("1", "007", "x", "1.5", ".tmp-3", "2a", "-4", "9" * 30):
        (tmp_path / name).mkdir()
    (tmp_path / "9").touch()  # even a plain file
    model = config(tmp_path, every=True).model_config_list.config[0]
    assert {v: p.name for v, p in aspired_versions(model).items()} == {
        -4: "-4", 1: "1", 7: "007", 9: "9",
    }  # fmt: skip


def test_two_names_for_one_number_are_one_version(tmp_path: Path) -> None:
    (tmp_path / "01").mkdir()
    (tmp_path / "1").mkdir()
    model = config(tmp_path, every=True).model_config_list.config[0]
    assert {v: p.name for v, p in aspired_versions(model).items()} == {1: "1"}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, [4]),
        ({"latest": 2}, [3, 4]),
        ({"every": True}, [1, 3, 4]),
        ({"versions": [1, 2, 3]}, [1, 3]),
        ({"versions": [2]}, []),
    ],
)
def test_a_policy_picks_the_versions(tmp_path: Path, policy: Any, expected: list[int]) -> None:
    for name in ("1", "3", "4"):
        (tmp_path / name).mkdir()
    model = config(tmp_path, **policy).model_config_list.config[0]
    assert list(aspired_versions(model)) == expected


def test_a_new_version_replaces_the_old_one(
    make: Make, toy: Path, toy_100: Path, tmp_path: Path
) -> None:
    base = tmp_path / "m"
    shutil.copytree(toy, base / "1")
    manager = make()
    manager.reload(config(base))
    assert answer(manager) == 2.0
    shutil.copytree(toy_100, base / "2")
    manager.poll()
    assert answer(manager) == 102.0
    assert states(manager) == {2: State.AVAILABLE, 1: State.END}
    with pytest.raises(StatusError) as caught:
        answer(manager, 1)
    assert caught.value.code == Code.NOT_FOUND


def test_versions_under_all_are_served_side_by_side(
    make: Make, toy: Path, toy_100: Path, tmp_path: Path
) -> None:
    base = tmp_path / "m"
    shutil.copytree(toy, base / "1")
    shutil.copytree(toy_100, base / "2")
    manager = make()
    manager.reload(config(base, every=True))
    assert (answer(manager), answer(manager, 1), answer(manager, 2)) == (102.0, 2.0, 102.0)
    manager.reload(config(base, versions=[1]))
    assert answer(manager) == 2.0
    assert states(manager) == {2: State.END, 1: State.AVAILABLE}
    manager.reload(config(base))
    assert answer(manager) == 102.0


def _damage(kind: str, version: Path) -> None:
    variables = version / "variables"
    if kind == "no variables":
        shutil.rmtree(variables)
    elif kind == "no index":
        (variables / "variables.index").unlink()
    elif kind == "no data":
        (variables / "variables.data-00000-of-00001").unlink()
    elif kind == "truncated data":
        data = variables / "variables.data-00000-of-00001"
        data.write_bytes(data.read_bytes()[:-2])
    elif kind == "missing asset":
        shutil.rmtree(version / "assets")
    elif kind == "truncated graph":
        graph = version / "saved_model.pb"
        graph.write_bytes(graph.read_bytes()[:1000])
    elif kind == "no graph":
        (version / "saved_model.pb").unlink()
    elif kind == "empty folder":
        shutil.rmtree(version)
        version.mkdir()
    elif kind == "plain file":
        shutil.rmtree(version)
        version.touch()
    elif kind == "truncated warm-up":
        warmup = version / WARMUP_FILE
        warmup.write_bytes(warmup.read_bytes()[:-2])


@pytest.mark.long
@pytest.mark.parametrize(
    "kind",
    [
        "no variables",
        "no index",
        "no data",
        "truncated data",
        "missing asset",
        "truncated graph",
        "no graph",
        "empty folder",
        "plain file",
        "truncated warm-up",
    ],
)
def test_a_damaged_copy_never_replaces_a_good_version(
    make: Make, toy: Path, toy_100: Path, tmp_path: Path, kind: str
) -> None:
    base = tmp_path / "m"
    shutil.copytree(toy, base / "1")
    manager = make()
    manager.reload(config(base))
    shutil.copytree(toy_100, base / "2")
    _damage(kind, base / "2")
    manager.poll()
    assert states(manager) == {2: State.END, 1: State.AVAILABLE}
    assert answer(manager) == 2.0
    error = manager.states("m")[2].error
    assert error is not None
    assert error.message
    # The number is spent: mending the folder changes nothing, the next number does.
    (base / "2").unlink() if kind == "plain file" else shutil.rmtree(base / "2")
    shutil.copytree(toy_100, base / "2")
    manager.poll()
    assert answer(manager) == 2.0
    shutil.copytree(toy_100, base / "3")
    manager.poll()
    assert answer(manager) == 102.0


def test_without_a_warm_up_record_a_copy_without_variables_loads_and_fails(
    make: Make, toy: Path, tmp_path: Path
) -> None:
    base = tmp_path / "m"
    shutil.copytree(toy, base / "1")
    shutil.rmtree(base / "1" / "variables")
    (base / "1" / WARMUP_FILE).unlink()
    manager = make()
    manager.reload(config(base))
    assert states(manager) == {1: State.AVAILABLE}
    with pytest.raises(StatusError) as caught:
        answer(manager)
    assert caught.value.code == Code.FAILED_PRECONDITION


def test_a_missing_fingerprint_is_harmless(make: Make, toy: Path, tmp_path: Path) -> None:
    shutil.copytree(toy, tmp_path / "m" / "1")
    (tmp_path / "m" / "1" / "fingerprint.pb").unlink()
    manager = make()
    manager.reload(config(tmp_path / "m"))
    assert answer(manager) == 2.0


def test_a_model_of_which_nothing_loads_is_an_error_at_the_start(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "m" / "3").mkdir(parents=True)
    with pytest.raises(StatusError) as caught:
        make().reload(config(tmp_path / "m"))
    assert caught.value.code == Code.UNKNOWN
    assert caught.value.message.startswith(
        "1 model(s) did not become available: {{{name: m version: 3} due to error: NOT_FOUND: "
    )


def test_a_failed_load_is_tried_again_so_often_and_then_never(tmp_path: Path, toy: Path) -> None:
    tries = []

    def fail_twice(path: Path, version: int) -> Servable:
        tries.append(version)
        if len(tries) < 3:
            raise StatusError(Code.NOT_FOUND, "not whole yet")
        return load(path, version)

    (tmp_path / "m" / "1").mkdir(parents=True)
    options = {"model_base_path": tmp_path, "load_retry_interval_micros": 0}
    impatient = VersionManager(ServerOptions(**options, max_num_load_retries=1), fail_twice)
    with pytest.raises(StatusError, match="not whole yet"):
        impatient.reload(config(tmp_path / "m"))
    impatient.poll()
    assert tries == [1, 1]
    tries.clear()
    shutil.rmtree(tmp_path / "m" / "1")
    shutil.copytree(toy, tmp_path / "m" / "1")
    patient = VersionManager(ServerOptions(**options, max_num_load_retries=2), fail_twice)
    patient.reload(config(tmp_path / "m"))
    assert tries == [1, 1, 1]
    assert answer(patient) == 2.0
    patient.close()


def test_a_base_path_that_is_away_unloads_nothing_and_an_empty_one_unloads_all(
    make: Make, toy: Path, tmp_path: Path
) -> None:
    base = tmp_path / "m"
    shutil.copytree(toy, base / "1")
    manager = make()
    manager.reload(config(base))
    base.rename(tmp_path / "away")
    with pytest.raises(StatusError, match="Could not find base path"):
        manager.poll()
    assert answer(manager) == 2.0
    base.mkdir()
    manager.poll()
    assert states(manager) == {1: State.END}
    base.rmdir()
    (tmp_path / "away").rename(base)
    manager.poll()
    assert answer(manager) == 2.0


def test_a_server_without_versions_starts_and_takes_the_first(
    make: Make, toy: Path, tmp_path: Path
) -> None:
    manager = make()
    manager.reload(config(tmp_path / "m"))
    with pytest.raises(StatusError, match=r"Servable not found for request: Latest\(m\)"):
        answer(manager)
    shutil.copytree(toy, tmp_path / "m" / "1")
    manager.poll()
    assert answer(manager) == 2.0
