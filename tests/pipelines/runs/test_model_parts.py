"""Each part that a configuration can ask for trains with everything else as it is by default."""

import json
from pathlib import Path

import pytest

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.load_configuration import load_configuration
from pipelines.runs.train_run import train_run
from tests.pipelines.clicks import write_clicks


@pytest.mark.long
@pytest.mark.parametrize(
    "model",
    [
        "{kind='logistic_regression'}",
        "{kind='AFM', dim=4, embedding_sets=2, deep={units=[4]}}",
        "{kind='DeepFM', dim=4, units=[4], embedding_sets=4, field_gate=true}",
        "{kind='AFM', dim=4, pooling='field_weights', pooled_batch_norm=true}",
        "{kind='AFM', dim=4, pooling='field_matrices', pair_batch_norm=true}",
        "{kind='AFM', dim=4, attention_softmax=false, pair_dropout=0.2, attention_dropout=0.2}",
        "{kind='AFM', dim=4, crossing='ids'}",
    ],
)
def test_a_part_trains_by_default(model: str, tmp_path: Path) -> None:
    overrides = [f"model={model}", "training.epochs=1", "evaluation.bootstrap=0"]
    configuration = load_configuration(write_clicks(tmp_path), overrides)
    assert configuration.training.bias_start == "mean"
    found = train_run(configuration, tmp_path / "run")
    told = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(told) == set(found)
    assert all(0 < one["logloss"]["value"] < 2 for split in told.values() for one in split.values())


def test_pretraining_is_refused_where_its_machine_has_no_sets() -> None:
    column = {"kind": "categorical_column_with_identity", "key": "user", "num_buckets": 3}
    given = {
        "data": {"format": "csv", "train": "a.csv"},
        "columns": [column],
        "model": {"dim": 4, "embedding_sets": 2},
        "training": {"pretraining": {"epochs": 1}},
    }
    with pytest.raises(ValueError, match=r"left out with model\.embedding_sets"):
        Configuration.model_validate(given)
