import subprocess
import sys

import pytest


@pytest.mark.long
@pytest.mark.parametrize("strategy", ["mirrored", "parameter_server"])
def test_training_under_a_strategy_is_training_alone_and_goes_on_alone(strategy: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.optimizers.strategies", strategy],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith("equal\n")
