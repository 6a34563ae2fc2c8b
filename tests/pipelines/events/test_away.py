from pathlib import Path

import pytest

from pipelines.events.prepare_in_memory import prepare_in_memory
from pipelines.events.prepare_with_beam import prepare_with_beam
from pipelines.preparation.feature_spec import FeatureSpec
from tests.pipelines.events import logs
from tests.pipelines.events.away import Away


@pytest.mark.long
def test_examples_on_another_file_system_are_ready_when_their_description_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Away, "root", tmp_path)
    monkeypatch.setattr(Away, "written", [], raising=False)
    logs.write_csv(tmp_path / "log.csv", logs.log(60))
    settings = logs.settings("away://log*.csv")
    made = prepare_with_beam(settings, "away://data/out", ["--runner=FnApiRunner"])
    here = prepare_in_memory(logs.settings(f"{tmp_path}/log.csv"), tmp_path / "here")
    assert FeatureSpec.read(tmp_path / "data" / "out").features == here.spec.features
    for part in made.spec.parts:
        there = logs.read(tmp_path / "data" / "out", part)
        assert there == logs.read(tmp_path / "here", part)
    assert Away.written[-1] == "away://data/out/feature_spec.json"
    names = {path.name for path in (tmp_path / "data" / "out").iterdir()}
    files = {name for part in made.spec.parts.values() for name in part.files}
    assert names == {*files, "counters.json", "feature_spec.json"}
    with pytest.raises(ValueError, match="`out` must hold no examples yet"):
        prepare_with_beam(settings, "away://data/out", ["--runner=FnApiRunner"])
