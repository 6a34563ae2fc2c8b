from pathlib import Path

import pytest

from tests.pipelines.cluster.processes import run_alone, run_cluster
from tests.pipelines.cluster.results import curve, difference
from tests.pipelines.cluster.runs import OPTIMIZERS


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    run_alone("one", str(folder))
    return folder


@pytest.mark.long
def test_two_devices_take_the_steps_of_one_process(one: Path, tmp_path: Path) -> None:
    run_alone("mirrored", str(tmp_path))
    for optimizer in OPTIMIZERS:
        assert curve(tmp_path / optimizer)[-1]["step"] == 20
        assert difference(one / optimizer, tmp_path / optimizer) < 1e-6


@pytest.mark.long
def test_two_processes_take_the_steps_of_one(
    one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is between processes does not know the optimizer; two devices take a step of each.
    run_cluster(monkeypatch, "multi_worker_mirrored", str(tmp_path), "--optimizers", "adam")
    assert difference(one / "adam", tmp_path / "adam") < 1e-6
