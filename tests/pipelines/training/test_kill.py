"""Runs killed by SIGKILL, for real, end as those that were not."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pipelines.training.examples import ROWS

ROOT = Path(__file__).parents[3]
EPOCHS = 3
Alone = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def alone() -> Iterator[Alone]:
    """Trains in a process of its own; returns its exit status, and its results if it got there."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.pipelines.training.run_alone"],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        asked, answers = server.stdin, server.stdout
        assert asked is not None
        assert answers is not None

        def one(folder: Path, kill: str, epochs: int = EPOCHS) -> tuple[int, Any]:
            out = folder.with_suffix(".npz")
            print(folder, out, kill, epochs, file=asked, flush=True)
            status = int(answers.readline())
            assert status in (0, -signal.SIGKILL)  # the error of any other is on standard error
            if status:
                return status, None
            with np.load(out) as weights:
                return 0, (dict(weights), out.with_suffix(".json").read_text())

        yield one


def assert_same(one: Any, other: Any) -> None:
    assert one[1] == other[1]
    assert one[0].keys() == other[0].keys()
    for name, weight in one[0].items():
        np.testing.assert_array_equal(weight, other[0][name], err_msg=name)


@pytest.fixture(scope="module")
def whole(alone: Alone, tmp_path_factory: pytest.TempPathFactory) -> Any:
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
def test_a_killed_run_ends_as_one_that_was_not(
    kill: str, alone: Alone, whole: Any, tmp_path: Path
) -> None:
    status, _ = alone(tmp_path / "run", kill)
    assert status == -signal.SIGKILL
    status, results = alone(tmp_path / "run", "never")
    assert status == 0
    assert_same(results, whole)
    left = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert len([name for name in left if name.startswith("step-")]) == 2
    assert not [name for name in left if name.startswith(".")]


@pytest.mark.long
def test_a_run_killed_at_twenty_random_moments_ends_as_one_that_was_not(
    alone: Alone, tmp_path: Path
) -> None:
    epochs, kills = 20, 20
    draw = random.Random(20)
    _, whole = alone(tmp_path / "whole", "never", epochs)
    # In their order, so that each run has its moment before it, however fast the machine is.
    steps = sorted(draw.randrange(epochs * ROWS // 8) for _ in range(kills))
    for step in steps:
        status, _ = alone(tmp_path / "run", f"after:{step}:{draw.uniform(0, 0.1)}", epochs)
        assert status == -signal.SIGKILL
    status, results = alone(tmp_path / "run", "never", epochs)
    assert status == 0
    assert_same(results, whole)
