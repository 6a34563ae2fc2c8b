"""Processes of a cluster that are killed while they train."""

from pathlib import Path

import pytest

from tests.pipelines.cluster.processes import run_alone, run_cluster
from tests.pipelines.cluster.results import difference

# A run makes 10 steps an epoch and 5 of validation, each after a line, and two calls at the ends.
# Before the first checkpoint (each fourth step), between two, in validation, in the second epoch.
KILLS = [("worker 1", 2), ("worker 1", 7), ("worker 0", 9), ("worker 1", 12)]


@pytest.mark.long
def test_a_cluster_whose_processes_are_killed_ends_as_one_that_was_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_alone("one", str(tmp_path / "one"), "--optimizers", "adam")
    words = ["multi_worker_mirrored", str(tmp_path / "two"), "--optimizers", "adam", "--tell"]
    run_cluster(monkeypatch, *words, kill=KILLS)
    assert difference(tmp_path / "one" / "adam", tmp_path / "two" / "adam") < 1e-6
