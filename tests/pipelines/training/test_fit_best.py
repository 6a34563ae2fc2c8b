import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.training.fit_best import fit_best


class Slope(tf.keras.Model):
    """One weight, whose validation logloss falls and then rises as it grows."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = self.add_weight(name="slope", initializer="zeros")

    def call(self, x: Any) -> Any:
        return tf.sigmoid(self.slope * x)


def model(rate: float = 0.5) -> Slope:
    made = Slope()
    logloss = tf.keras.metrics.BinaryCrossentropy(name="logloss")
    made.compile(tf.keras.optimizers.SGD(rate), "binary_crossentropy", metrics=[logloss])
    return made


def data(*labels: float) -> Any:
    x = np.ones([len(labels), 1], np.float32)
    return tf.data.Dataset.from_tensors((x, np.reshape(labels, [-1, 1]).astype(np.float32)))


def test_the_best_weights_are_kept_restored_and_can_be_loaded(tmp_path: Path) -> None:
    trained = model()
    # Training wants the slope to grow for ever, validation wants 0.75 and so a slope of 1.1.
    history = fit_best(trained, data(1), data(1, 1, 1, 0), tmp_path, epochs=40, patience=3)
    losses = history["val_logloss"]
    best = int(np.argmin(losses))
    assert 0 < best < len(losses) - 1
    assert len(losses) == best + 1 + 3
    assert trained.evaluate(data(1, 1, 1, 0), verbose=0)[1] == pytest.approx(losses[best])
    again = model()
    again.load_weights(str(tmp_path / "checkpoint" / "weights")).expect_partial()
    assert again.slope.numpy() == trained.slope.numpy()


def test_training_ends_with_the_epochs_and_logs_each_for_tensorboard(tmp_path: Path) -> None:
    history = fit_best(model(0.01), data(1), data(1), tmp_path, epochs=3, patience=9)
    assert len(history["val_logloss"]) == 3
    for part in ("train", "validation"):
        (events,) = (tmp_path / "logs" / part).iterdir()
        steps = set()
        for record in tf.data.TFRecordDataset(str(events)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            steps |= {event.step for value in event.summary.value if value.tag == "epoch_logloss"}
        assert steps == {0, 1, 2}


def test_a_loss_that_is_never_a_number_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"finite validation logloss.*smaller learning rate"):
        fit_best(model(), data(float("nan")), data(1), tmp_path, epochs=2, patience=1)


def test_a_missing_tensorboard_is_an_error_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # makes its import fail
    with pytest.raises(ImportError, match=r"tfrs-afm\[pipelines\]"):
        fit_best(model(), data(1), data(1), tmp_path, epochs=1, patience=1)


def test_a_terminal_sees_how_far_training_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    fit_best(model(), data(1), data(1), tmp_path, epochs=2, patience=2, description="Fitting it")
    assert "Fitting it, validation logloss 0." in terminal.getvalue()


def test_nobody_sees_anything_without_a_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fit_best(model(), data(1), data(1), tmp_path, epochs=1, patience=2)
    assert capfd.readouterr() == ("", "")
