"""Processes of a cluster that are killed while they train."""

from pathlib import Path

import numpy as np
import pytest

from tests.pipelines.cluster.processes import run_alone, run_cluster
from tests.pipelines.cluster.results import difference

# A run makes 10 steps an epoch and 5 of validation, each after a line, and two calls at the ends.
MOMENTS = np.random.default_rng(11).integers(1, 25, 6).tolist()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    run_alone("one", str(folder), "--optimizers", "adam")
    return folder / "adam"


@pytest.mark.long
@pytest.mark.parametrize(
    "kill",
    [
        [("worker 1", MOMENTS[0]), ("worker 1", MOMENTS[1])],
        [("worker 1", MOMENTS[2]), ("worker 1", MOMENTS[3])],
        [("worker 1", MOMENTS[4]), ("worker 0", MOMENTS[5])],
    ],
    ids=["worker", "worker again", "worker and chief"],
)
def test_a_cluster_whose_processes_are_killed_ends_as_one_that_was_left_alone(
    kill: list[tuple[str, int]], one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["multi_worker_mirrored", str(tmp_path), "--optimizers", "adam", "--tell"]
    run_cluster(monkeypatch, *words, kill=kill)
    assert difference(one, tmp_path / "adam") < 1e-6
