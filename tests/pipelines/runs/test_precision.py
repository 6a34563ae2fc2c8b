"""A run in half precision: steps alone are, and it goes on to the bit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.configuration.load_configuration import load_configuration
from pipelines.modelling.build_model import load_model
from pipelines.runs.run_folder import RunFolder
from pipelines.runs.train_run import train_run
from pipelines.training.loop import Loop
from tests.pipelines.clicks import write_clicks

pytestmark = pytest.mark.long

OVERRIDES = [
    "training.epochs=2",
    "training.optimizer.learning_rate=0.05",
    "training.precision=mixed_bfloat16",
    "model={kind='DeepFM', dim=4, units=[8], batch_norm=true}",
    "evaluation.bootstrap=0",
    "evaluation.item=item_id",
]


class Stopped(Exception):
    """As a killed process."""


def test_a_run_in_half_precision_goes_on_to_the_bit_and_ends_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = load_configuration(write_clicks(tmp_path), OVERRIDES)
    computed: set[str] = set()
    end_epoch = Loop._end_epoch

    def stop_after_the_first(self: Any) -> None:
        computed.add(self._model.task.compute_dtype)
        end_epoch(self)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "_end_epoch", stop_after_the_first)
        with pytest.raises(Stopped):
            train_run(configuration, tmp_path / "stopped")
    assert computed == {"bfloat16"}
    metrics = train_run(configuration, tmp_path / "stopped", resume=True)
    assert metrics == train_run(configuration, tmp_path / "whole")

    models = [load_model(RunFolder(tmp_path / name).model) for name in ("stopped", "whole")]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)
    layers = [one for one in models[0].submodules if isinstance(one, tf.keras.layers.Layer)]
    assert {one.compute_dtype for one in layers} == {"float32"}
    assert tf.keras.mixed_precision.global_policy().name == "float32"

    evaluated = metrics["validation"]["DeepFM"]
    lines = (tmp_path / "whole" / "history.jsonl").read_text().splitlines()
    best = max(map(json.loads, lines), key=lambda epoch: epoch["val_auc"])
    # Not rounded: training's own AUC of the best epoch is that of the model that was kept.
    assert evaluated["auc"]["value"] == pytest.approx(best["val_auc"], abs=1e-3)
    assert evaluated["logloss"]["value"] == pytest.approx(best["val_loss"], abs=1e-6)


def test_a_run_is_not_ended_in_another_precision(tmp_path: Path) -> None:
    path = write_clicks(tmp_path)
    train_run(load_configuration(path, OVERRIDES), tmp_path / "run")
    other = load_configuration(path, [*OVERRIDES, "training.precision=float32"])
    with pytest.raises(ValueError, match=r"whose `training\.precision` is another"):
        train_run(other, tmp_path / "run")
