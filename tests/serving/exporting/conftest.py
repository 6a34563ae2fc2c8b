from pathlib import Path
from typing import Any, NamedTuple

import pytest

import serving
import tfrs_afm
from tests.serving.exporting import rankers


class Exported(NamedTuple):
    """A trained model, where it was published, and its golden requests."""

    model: Any
    path: Path


@pytest.fixture(scope="session")
def afm(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """An AFM that ranks candidates from examples; do not change its folder, copy it."""
    folder = tmp_path_factory.mktemp("afm")
    columns = rankers.columns(folder / "occupations.txt")
    model = rankers.trained(tfrs_afm.models.AFM(columns, attention_units=4, l2=0.01))
    path = serving.export(
        model,
        folder / "ranker",
        examples=rankers.examples(8),
        candidate_features=rankers.CANDIDATE_FEATURES,
    )
    (folder / "occupations.txt").unlink()
    return Exported(model, path)
