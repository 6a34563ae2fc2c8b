"""What steps tell of themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.training.run_one_thread import PAUSE, STEPS


@pytest.mark.long
def test_a_single_thread_does_not_count_the_step_as_waiting() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.pipelines.training.run_one_thread"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    by_step, by_input = map(float, done.stdout.split())
    assert by_step < STEPS * PAUSE / 2
    assert by_input >= STEPS * PAUSE * 0.99
