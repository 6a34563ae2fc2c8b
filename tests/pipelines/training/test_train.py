import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.training import Training
from pipelines.training.train import train
from tests.pipelines.training import examples


def curve(records: list[dict[str, Any]], name: str) -> list[float]:
    return [record[name] for record in records]


def test_the_model_is_left_with_the_weights_of_its_best_epoch(tmp_path: Path) -> None:
    model = examples.model(tfrs_afm.optimizers.Adam(0.1))
    stopping = {"patience": 2}
    history = train(
        model,
        examples.batches(),
        examples.validation(),
        tmp_path,
        Training(epochs=30, early_stopping=stopping),
    )
    losses = curve(history.epochs, "val_loss")
    assert history.best_epoch == int(np.argmin(losses))
    assert history.best == min(losses)
    assert history.ended_by == "early_stopping"
    assert len(losses) == history.best_epoch + 1 + 2
    model.reset_metrics()
    for batch in examples.validation():
        model.test_step(batch)
    assert float(model.mean_loss.result()) == pytest.approx(history.best, rel=1e-6)


def test_the_steps_that_were_asked_for_are_profiled(tmp_path: Path) -> None:
    settings = Training(epochs=2, profile_batch=(3, 4))  # of six steps an epoch
    train(examples.model(), examples.batches(), None, tmp_path, settings)
    (profile,) = (tmp_path / "logs" / "train").rglob("*.xplane.pb")
    assert b"IteratorGetNext" in profile.read_bytes()


@pytest.mark.long
def test_it_trains_as_fit_does(tmp_path: Path) -> None:
    ours, fitted = (examples.model(dropout=0.0) for _ in range(2))
    history = train(
        ours,
        examples.batches(),
        examples.validation(),
        tmp_path,
        Training(epochs=2, early_stopping={"monitor": "loss"}),  # falls, so the last epoch is best
    )
    for epoch in range(2):
        logs = fitted.fit(examples.batches()(epoch, 0), verbose=0).history
        mean = float(fitted.mean_loss.result())
        assert history.epochs[epoch]["loss"] == pytest.approx(mean, rel=1e-6)
        assert history.epochs[epoch]["auc"] == pytest.approx(logs["auc"][0], rel=1e-6)
    for one, other in zip(ours.trainable_weights, fitted.trainable_weights, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-7)


@pytest.mark.long
def test_steps_a_call_do_not_change_the_weights(tmp_path: Path) -> None:
    found = []
    for calls in (1, 4, 100):
        model = examples.model()
        settings = Training(epochs=2, steps_per_call=calls, ema={"momentum": 0.5})
        history = train(
            model, examples.batches(), examples.validation(), tmp_path / str(calls), settings
        )
        found.append((examples.weights(model), examples.numbers(history.epochs)))
    for weights, numbers in found[1:]:
        assert numbers == found[0][1]
        for name, weight in weights.items():
            np.testing.assert_array_equal(weight, found[0][0][name], err_msg=name)


def test_a_line_an_epoch_and_the_logs_of_tensorboard_tell_the_learning_curve(
    tmp_path: Path,
) -> None:
    history = train(
        examples.model(), examples.batches(), examples.validation(), tmp_path, Training(epochs=3)
    )
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == history.epochs
    assert curve(history.epochs, "epoch") == [0, 1, 2]
    assert curve(history.epochs, "step") == [6, 12, 18]
    assert all(0 <= share <= 1 for share in curve(history.epochs, "input_wait"))
    assert min(curve(history.epochs, "examples_per_second")) > 0
    for part in ("train", "validation"):
        (events,) = (tmp_path / "logs" / part).iterdir()
        steps = set()
        for record in tf.data.TFRecordDataset(str(events)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            steps |= {event.step for value in event.summary.value if value.tag == "epoch_auc"}
        assert steps == {0, 1, 2}


def test_without_validation_the_last_epoch_is_the_best(tmp_path: Path) -> None:
    history = train(examples.model(), examples.batches(), None, tmp_path, Training(epochs=2))
    assert (history.best_epoch, history.best, history.ended_by) == (1, None, "epochs")


@pytest.mark.long
def test_an_average_of_the_weights_is_judged_and_kept(tmp_path: Path) -> None:
    model, followed = examples.model(dropout=0.0), examples.model(dropout=0.0)
    train(
        model,
        examples.batches(),
        examples.validation(),
        tmp_path,
        Training(epochs=1, ema={"momentum": 0.8}),
    )
    averages = [weight.numpy().astype(np.float64) for weight in followed.trainable_weights]
    for batch in examples.batches()(0, 0):
        followed.train_on_batch(*batch)
        for average, weight in zip(averages, followed.trainable_weights, strict=True):
            average += 0.2 * (weight.numpy() - average)
    for weight, average in zip(model.trainable_weights, averages, strict=True):
        np.testing.assert_allclose(weight.numpy(), average, atol=1e-6)


@pytest.mark.long
def test_training_goes_on_from_the_average_where_it_overwrites(tmp_path: Path) -> None:
    # With a momentum of almost 1 the average stays at the start, and so do the weights.
    model = examples.model()
    start = [weight.numpy() for weight in model.trainable_weights]
    settings = Training(epochs=2, ema={"momentum": 1 - 1e-9, "overwrite": True})
    train(model, examples.batches(), examples.validation(), tmp_path, settings)
    for weight, first in zip(model.trainable_weights, start, strict=True):
        np.testing.assert_allclose(weight.numpy(), first, atol=1e-6)


@pytest.mark.long
def test_the_learning_rate_falls_tenfold_on_a_plateau(tmp_path: Path) -> None:
    history = train(
        examples.model(tfrs_afm.optimizers.SGD(1e-12)),
        examples.batches(),
        examples.validation(),
        tmp_path,
        Training(
            epochs=5,
            early_stopping={"min_delta": 1.0},  # so nothing is ever better
            schedule={"plateau_patience": 2, "plateau_floor": 3e-14},
        ),
    )
    rates = curve(history.epochs, "learning_rate")
    assert rates == pytest.approx([1e-12, 1e-12, 1e-12, 1e-13, 1e-13], rel=1e-5)


def test_a_schedule_sets_the_learning_rate_of_each_step(tmp_path: Path) -> None:
    history = train(
        examples.model(tfrs_afm.optimizers.SGD(0.5)),
        examples.batches(),
        None,
        tmp_path,
        Training(epochs=3, schedule={"kind": "step", "decay_steps": 6, "decay_rate": 0.5}),
    )
    assert curve(history.epochs, "learning_rate") == pytest.approx([0.5, 0.25, 0.125])


def test_a_metric_that_the_model_lacks_is_an_error_that_names_those_it_has(
    tmp_path: Path,
) -> None:
    settings = Training(early_stopping={"monitor": "val_ndcg"})
    with pytest.raises(ValueError, match=r"`monitor` must be one of loss, auc.*val_auc"):
        train(examples.model(), examples.batches(), examples.validation(), tmp_path, settings)


def test_stopping_early_by_a_validation_that_is_not_given_is_an_error(tmp_path: Path) -> None:
    settings = Training(early_stopping={"patience": 1})
    with pytest.raises(ValueError, match=r"`validation` must be given.*Monitor 'loss'"):
        train(examples.model(), examples.batches(), None, tmp_path, settings)


def test_a_missing_tensorboard_is_an_error_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # makes its import fail
    with pytest.raises(ImportError, match=r"tfrs-afm\[pipelines\]"):
        train(examples.model(), examples.batches(), None, tmp_path, Training())


def test_a_terminal_sees_how_far_training_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    settings = Training(epochs=1)
    train(
        examples.model(),
        examples.batches(),
        examples.validation(),
        tmp_path,
        settings,
        description="Fitting it",
    )
    assert "Fitting it, epoch 0" in terminal.getvalue()


def test_nobody_sees_anything_without_a_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(examples.model(), examples.batches(), None, tmp_path, Training(epochs=1))
    assert capfd.readouterr() == ("", "")


@pytest.mark.long
def test_each_epoch_is_told_once_it_is_written_and_may_end_the_run(tmp_path: Path) -> None:
    told = []

    def tell(record: dict[str, Any]) -> None:
        lines = (tmp_path / "history.jsonl").read_text().splitlines()
        told.append((len(lines), json.loads(lines[-1]) == record))
        if len(told) == 2:
            raise KeyboardInterrupt

    def go_on(**options: Any) -> Any:
        settings = Training(epochs=3)
        part = examples.validation()
        return train(examples.model(), examples.batches(), part, tmp_path, settings, **options)

    with pytest.raises(KeyboardInterrupt):
        go_on(on_epoch=tell)
    assert told == [(1, True), (2, True)]
    assert len(go_on(resume=True).epochs) == 3
