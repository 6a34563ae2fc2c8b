"""The same numbers on one replica and on several."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A process of its own: logical devices are settled before TensorFlow starts."""
    folder = tmp_path_factory.mktemp("replicas")
    done = subprocess.run(
        [sys.executable, "-m", "tests.pipelines.training.run_replicas", str(folder)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.long
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam"])
def test_two_replicas_give_the_weights_and_metrics_of_one(optimizer: str, trained: Path) -> None:
    one, two = (np.load(trained / f"{optimizer}-{number}.npz") for number in (1, 2))
    assert one.files == two.files
    for name in one.files:
        np.testing.assert_allclose(two[name], one[name], rtol=0, atol=1e-6, err_msg=name)
    first, second = (
        json.loads((trained / f"{optimizer}-{number}.json").read_text()) for number in (1, 2)
    )
    for record, other in zip(first, second, strict=True):
        assert record == pytest.approx(other, abs=1e-6)
