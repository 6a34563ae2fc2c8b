"""Tables that are dealt out over parameter servers, and servers and workers that are killed."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.fitting.fit import Fitted
from pipelines.modelling.build_model import build_model
from pipelines.training.checkpoints import restore_best
from pipelines.training.identity import make_variables
from tests.pipelines.cluster import runs
from tests.pipelines.cluster.processes import run_alone, run_cluster
from tests.pipelines.cluster.results import curve, tensors

WORDS = ["parameter_server", "--optimizers", "adam", "--no-average", "--tell"]


def assert_whole(folder: Path) -> None:
    """Holds a run to its end: every step, and in one process the model that the servers had."""
    assert [record["step"] for record in curve(folder)] == [10, 20]
    with np.load(folder / "scores.npz") as found:
        here = {name: found[name] for name in found.files}
    assert sorted(here["devices"]) == [
        f"/job:ps/replica:0/task:{index}/device:CPU:0" for index in range(2)
    ]
    assert here["rows"].tolist() == [30, 30]
    model = build_model(runs.configuration("adam", ema=None), Fitted())
    make_variables(model, 0)
    restore_best(model, folder)
    scores = model(next(iter(runs.validation()))[0])
    np.testing.assert_allclose(scores, here["scores"], atol=1e-6)
    counter = "optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE"
    assert tensors(folder)[counter] >= 20  # at least once each


@pytest.mark.long
def test_tables_on_two_servers_are_the_model_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_cluster(monkeypatch, *WORDS, str(tmp_path), ps=2)
    assert_whole(tmp_path / "adam")
    # One process goes on with it, and servers with what that leaves.
    words = [str(tmp_path), *WORDS[1:], "--resume", "--epochs"]
    run_alone("one", *words, "3")
    run_cluster(monkeypatch, WORDS[0], *words, "4", ps=2)
    assert [record["step"] for record in curve(tmp_path / "adam")] == [10, 20, 30, 40]


@pytest.mark.long
def test_a_cluster_goes_on_when_one_of_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = [("worker 1", 3), ("ps 0", 3), ("chief 0", 4)]  # all in the steps of the first epoch
    lines = run_cluster(monkeypatch, *WORDS, str(tmp_path), ps=2, kill=kill)
    assert [line for line in lines if "was killed" in line] == [
        "[worker 1] was killed; starting it again, 2 restarts left",
        "[ps 0] was killed; starting all again, 1 restarts left",
        "[chief 0] was killed; starting all again, 0 restarts left",
    ]
    assert_whole(tmp_path / "adam")
    calls = [line for line in lines if line == "[chief 0] goes on"]
    # 10 steps and 5 batches of validation an epoch, each told, and the end of both told too. What
    # is done again is what no checkpoint holds: four steps at most, after each of two kills.
    assert len(calls) <= 2 * (11 + 6) + 2 * 4
