"""The same numbers on one replica and on several."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]


def trained(folder: Path, optimizer: str, replicas: int) -> tuple[dict[str, Any], Any]:
    """Trains in a process of its own: logical devices are settled before TensorFlow starts."""
    command = [sys.executable, "-m", "tests.pipelines.training.run_replicas"]
    done = subprocess.run(
        [*command, str(folder), optimizer, str(replicas)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder.with_suffix(".npz")) as weights:
        return dict(weights), json.loads(folder.with_suffix(".json").read_text())


@pytest.mark.long
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam"])
def test_two_replicas_give_the_weights_and_metrics_of_one(optimizer: str, tmp_path: Path) -> None:
    one, first = trained(tmp_path / "one", optimizer, 1)
    two, second = trained(tmp_path / "two", optimizer, 2)
    assert one.keys() == two.keys()
    for name, weight in one.items():
        np.testing.assert_allclose(two[name], weight, rtol=0, atol=1e-6, err_msg=name)
    for record, other in zip(first, second, strict=True):
        assert record == pytest.approx(other, abs=1e-6)
