"""Where the real data sets are, for tests that can do without them."""

import os
from pathlib import Path

import pytest

_FOLDER = os.environ.get("TFRS_AFM_DATA", "../shared/data")


def real_data(name: str) -> Path:
    path = Path(__file__).parents[3] / _FOLDER / name
    if not path.is_dir():
        pytest.skip(f"{path} is not there; TFRS_AFM_DATA names the folder of the real data sets")
    return path
