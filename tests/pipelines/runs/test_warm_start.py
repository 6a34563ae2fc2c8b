from pathlib import Path

import pytest

from pipelines.runs.train_run import train_run
from tests.pipelines.planted_clicks import clicks_configuration, write_clicks


def test_rows_are_not_carried_over_to_parameter_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    training = {"strategy": "parameter_server"}
    configuration = clicks_configuration(write_clicks(tmp_path / "a.csv"), training=training)
    earlier = tmp_path / "yesterday"
    earlier.mkdir()
    (earlier / "model.keras").touch()
    with pytest.raises(ValueError, match="`--warm-start` must begin in one process"):
        train_run(configuration, tmp_path / "out", warm_start=earlier)
    assert not (tmp_path / "out").exists()
