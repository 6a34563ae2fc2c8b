from pathlib import Path

import pytest

from pipelines.files.atomic import file_sha256
from pipelines.runs.run_folder import RunFolder


def test_a_model_that_is_not_the_one_that_was_trained_is_told(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.model.write_bytes(b"model")
    folder.write_run({"model": "AFM"})
    assert folder.checked_model() == folder.model  # a release before kept no checksum
    folder.write_run({"model_sha256": file_sha256(folder.model)})
    assert folder.checked_model() == folder.model
    folder.model.write_bytes(b"mode1")
    text = r"model\.keras` must be the model that training ended with\. Received: sha256 "
    with pytest.raises(ValueError, match=text):
        folder.checked_model()


@pytest.mark.parametrize(
    ("begun", "fix"), [(False, "Make it with: python -m pipelines train"), (True, "take another")]
)
def test_a_folder_without_a_configuration_is_told(begun: bool, fix: str, tmp_path: Path) -> None:
    if begun:
        (tmp_path / "checkpoints").mkdir()
    with pytest.raises(ValueError, match=rf"which has no configuration\.json\..*{fix}"):
        RunFolder(tmp_path).configuration()
