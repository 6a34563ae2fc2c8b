"""Runs killed by SIGKILL, for real, end as those that were not."""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]


def alone(folder: Path, kill: str, epochs: int = 3) -> tuple[int, Any]:
    """Trains in a process of its own; returns its exit status, and its results if it got there."""
    out = folder.with_suffix(".npz")
    command = [sys.executable, "-m", "tests.pipelines.training.run_alone"]
    done = subprocess.run(
        [*command, str(folder), str(out), kill, str(epochs)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        assert done.returncode == -9, done.stderr
        return done.returncode, None
    with np.load(out) as weights:
        return 0, (dict(weights), out.with_suffix(".json").read_text())


def assert_same(one: Any, other: Any) -> None:
    assert one[1] == other[1]
    assert one[0].keys() == other[0].keys()
    for name, weight in one[0].items():
        np.testing.assert_array_equal(weight, other[0][name], err_msg=name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return alone(tmp_path_factory.mktemp("kill") / "whole", "never")[1]


@pytest.mark.long
@pytest.mark.parametrize(
    "kill",
    [
        "step:3",  # before the first checkpoint within an epoch
        "step:8",  # in validation
        "step:18",  # in the middle of the second epoch
        "checksum:2",  # while the first checkpoint is written
        "checksum:7",  # the best weights are, a checkpoint is not
        "rename:3",  # a checkpoint is written and not in place
        "history:2",  # a checkpoint knows of an epoch that history.jsonl does not
        "remove:6",  # an old checkpoint is about to go
    ],
)
def test_a_killed_run_ends_as_one_that_was_not(kill: str, whole: Any, tmp_path: Path) -> None:
    status, _ = alone(tmp_path / "run", kill)
    assert status == -9
    status, results = alone(tmp_path / "run", "never")
    assert status == 0
    assert_same(results, whole)
    left = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert len([name for name in left if name.startswith("step-")]) == 2
    assert not [name for name in left if name.startswith(".")]


@pytest.mark.long
def test_a_run_killed_at_twenty_random_moments_ends_as_one_that_was_not(tmp_path: Path) -> None:
    draw = random.Random(20)
    _, whole = alone(tmp_path / "whole", "never", 60)
    kills, results = 0, None
    while results is None:
        moment = f"seconds:{draw.uniform(0.5, 5.0)}" if kills < 20 else "never"
        status, results = alone(tmp_path / "run", moment, 60)
        kills += status == -9
    assert kills >= 5  # a fast machine may get to the end before twenty
    assert_same(results, whole)
