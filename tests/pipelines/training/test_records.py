from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipelines.training.checkpoints import RunState
from pipelines.training.records import Profile, train_progress, value_of


def test_without_steps_there_is_no_bound_and_no_file(tmp_path: Path) -> None:
    profile = Profile(tmp_path, None)
    profile.at(0)
    profile.close()
    assert profile.most(7) is None
    assert not list(tmp_path.iterdir())


def test_calls_end_where_the_profile_begins_and_ends() -> None:
    profile = Profile(Path("unused"), (3, 4))
    assert [profile.most(step) for step in range(7)] == [3, 2, 1, 2, 1, None, None]


def test_it_records_from_the_first_step_to_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr("tensorflow.profiler.experimental.start", calls.append)
    monkeypatch.setattr("tensorflow.profiler.experimental.stop", lambda: calls.append("stop"))
    profile = Profile(tmp_path, (3, 4))
    for step in range(3):
        profile.at(step)
    assert calls == []
    for step in (3, 4, 5, 6):
        profile.at(step)
    assert calls == [str(tmp_path), "stop"]


@pytest.mark.parametrize("labels", [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
@pytest.mark.parametrize("curve", ["ROC", "PR"])
def test_an_area_has_a_value_where_both_classes_are_there(labels: list[float], curve: str) -> None:
    metric = tf.keras.metrics.AUC(curve=curve)
    metric.update_state(labels, [0.2, 0.7])
    assert np.isnan(value_of(metric)) == (len(set(labels)) == 1)
    assert np.isnan(value_of(metric)) or value_of(metric) == pytest.approx(1.0)


def test_the_bar_moves_in_the_first_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[float] = []
    monkeypatch.setattr(
        "rich.progress.Progress.update", lambda *_, completed, **__: moved.append(completed)
    )
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with train_progress("Training", epochs=2, num_batches=10) as show:
        for state in (
            RunState(batch=5),
            RunState(batch=12),
            RunState(epoch=1, batch=4, batches_per_epoch=8),
        ):
            show(state)
    assert moved == [0.5, 1.0, 1.5, 2]
