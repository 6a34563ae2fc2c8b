"""A model that is exported today loads and answers in TensorFlow 2.15's C library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.sidecar import read_sidecar
from tests.serving.exported import Exported

pytestmark = [pytest.mark.long, pytest.mark.packages]

_VERSION = "2.15.1"
_VERIFY = """
import sys
from serving.session.c_library import library
from serving.verification import verify
print(library().TF_Version().decode(), *map(verify, sys.argv[1:]))
"""


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the older TensorFlow, of which only the C library is used."""
    folder = tmp_path_factory.mktemp("older")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--target", str(folder), f"tensorflow-cpu=={_VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot install tensorflow-cpu here: {done.stderr[-300:]}")
    return folder


def test_every_golden_row_is_answered_alike_by_the_older_library(
    older: Path, afm: Exported, deepfm: Exported
) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _VERIFY, str(afm.path), str(deepfm.path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(older), str(root)])},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    version, *rows = done.stdout.split()
    assert version == _VERSION
    for one, count in zip((afm, deepfm), rows, strict=True):
        assert int(count) > 0
        assert set(read_sidecar(one.path)["golden"]["requests"]) >= {"rank", "serving_default"}
