import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.training import Training
from pipelines.training import checkpoints
from pipelines.training.steps import Steps
from pipelines.training.train import train
from tests.pipelines.training import examples
from tfrs_afm import kernels

# Everything that a run could forget: three epochs of six steps, checkpoints within them, an average
# out of step with both, a learning rate that moves with the step and with success.
SETTINGS = Training(
    epochs=3,
    seed=5,
    ema={"momentum": 0.7, "every": 4, "overwrite": True},
    schedule={"kind": "exponential", "decay_steps": 7, "warmup_steps": 3, "plateau_patience": 1},
    early_stopping={"min_delta": 0.05, "patience": 3},
    checkpoint_every=4,
    steps_per_call=1,
)


def run(folder: Path, *, start: int = 3, resume: bool = False, **changed: Any) -> Any:
    """Trains a model whose first weights depend on `start`."""
    model = changed.pop("model", None) or examples.model(seed=start)
    settings = SETTINGS.model_copy(update=changed)
    history = train(
        model, examples.batches(), examples.validation(), folder, settings, resume=resume
    )
    return examples.weights(model), examples.numbers(history.epochs), history


def assert_same(one: Any, other: Any) -> None:
    assert one[1] == other[1]
    assert one[2].best_epoch == other[2].best_epoch
    assert one[0].keys() == other[0].keys()
    for name, weight in one[0].items():
        np.testing.assert_array_equal(weight, other[0][name], err_msg=name)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(finished: Path) -> Any:
    return run(finished)


def at_call(number: int, happens: Callable[[], Any], of: Callable[..., Any]) -> Callable[..., Any]:
    """A function that does something before its call of that number, from 0, and then its work."""
    calls = iter(range(10**6))

    def called(*args: Any) -> Any:
        if next(calls) == number:
            happens()
        return of(*args)

    return called


def long(value: int) -> Any:
    return pytest.param(value, marks=pytest.mark.long)


def stop() -> None:
    raise KeyboardInterrupt


# 7 calls of training and 6 of validation an epoch; a checkpoint after every fourth step.
@pytest.mark.matrix
@pytest.mark.parametrize("call", [5, 9, *(long(call) for call in (0, 12, 16, 25))])
def test_a_run_stopped_in_an_epoch_ends_as_one_that_was_not(
    call: int, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Steps, "__call__", at_call(call, stop, Steps.__call__))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert_same(run(tmp_path, start=99, resume=True), whole)


@pytest.mark.long
@pytest.mark.skipif(kernels.status().form == "stock", reason=kernels.status().reason)
def test_a_run_that_goes_on_in_another_form_of_the_kernels_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, stock = kernels.status().form, "stock (within kernels.stock())"
    with monkeypatch.context() as patch:
        patch.setattr(Steps, "__call__", at_call(5, stop, Steps.__call__))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, epochs=2)
    message = re.escape(f"by kernels: {form}, and goes on by kernels: {stock}")
    with kernels.stock(), pytest.warns(UserWarning, match=message):
        _, records, _ = run(tmp_path, epochs=2, resume=True)
    assert [record["kernels"] for record in records] == [f"{form}, then {stock}", stock]
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["kernels"] for line in lines] == [f"{form}, then {stock}", stock]


def test_a_checkpoint_of_before_forms_were_recorded_is_read() -> None:
    state = json.loads(checkpoints.RunState(step=7).to_json())
    del state["kernels"]
    assert checkpoints.RunState.from_json(json.dumps(state)).kernels == []


# Three checksums a checkpoint: the first one, one within epoch 0, its best weights, its last.
@pytest.mark.long
@pytest.mark.parametrize("call", [7, *(long(call) for call in (1, 4, 10))])
def test_a_run_stopped_while_it_writes_a_checkpoint_ends_as_one_that_was_not(
    call: int, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_checksum", at_call(call, stop, checkpoints._checksum))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    # Where not even the first checkpoint is there, the weights are those the caller made.
    assert_same(run(tmp_path, start=3 if call == 1 else 99, resume=True), whole)


@pytest.mark.parametrize("call", [9, long(2)])
def test_sigterm_saves_and_exits_and_the_run_can_go_on(
    call: int, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def terminate() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    handler = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(Steps, "__call__", at_call(call, terminate, Steps.__call__))
        with pytest.raises(SystemExit) as exit_:
            run(tmp_path)
    assert exit_.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is handler
    saved = sorted(path.name for path in (tmp_path / "checkpoints").glob("step-*"))
    assert saved[-1] == f"step-{3 if call == 2 else 6:012d}"
    assert_same(run(tmp_path, start=99, resume=True), whole)


def test_a_run_that_is_over_is_only_read(whole: Any, finished: Path) -> None:
    again = run(finished, start=99, resume=True)
    assert_same(again, whole)
    assert again[2].epochs == whole[2].epochs


@pytest.mark.long
def test_more_epochs_go_on_where_fewer_ended(whole: Any, tmp_path: Path) -> None:
    run(tmp_path, epochs=1)
    assert_same(run(tmp_path, start=99, resume=True), whole)


@pytest.mark.long
def test_optimizers_of_tf_keras_go_on_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def adam() -> Any:
        return examples.model(tf.keras.optimizers.Adam(0.02, weight_decay=0.1))

    expected = run(tmp_path / "whole", model=adam())
    with monkeypatch.context() as patch:
        patch.setattr(Steps, "__call__", at_call(17, stop, Steps.__call__))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "stopped", model=adam())
    again = run(tmp_path / "stopped", model=adam(), resume=True)
    # Not bit for bit: on a busy machine two runs that nobody stopped have differed in the sixth
    # digit. Slots that were lost or swapped would show in the second.
    for name, weight in expected[0].items():
        np.testing.assert_allclose(again[0][name], weight, atol=1e-4, err_msg=name)


@pytest.mark.long
def test_the_dropout_of_an_afm_and_of_its_attention_goes_on_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(tmp_path / "whole", model=examples.afm())
    without = run(tmp_path / "without", model=examples.afm(dropout=0.0))
    assert without[1] != expected[1]
    with monkeypatch.context() as patch:
        patch.setattr(Steps, "__call__", at_call(16, stop, Steps.__call__))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "stopped", model=examples.afm())
    again = run(tmp_path / "stopped", model=examples.afm(seed=99), resume=True)
    assert_same(again, expected)


@pytest.mark.long
def test_metrics_of_groups_are_of_validation_and_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def model(start: int) -> Any:
        metrics = [tf.keras.metrics.AUC(name="auc"), tfrs_afm.tasks.metrics.GroupedAUC("user")]
        return examples.afm(seed=start, metrics=metrics)

    def terminate() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    expected = run(tmp_path / "whole", model=model(3), epochs=1)
    assert [name for name in expected[1][0] if "group" in name] == ["val_grouped_auc"]
    with monkeypatch.context() as patch:
        # In validation, where the metric holds the examples so far.
        patch.setattr(Steps, "__call__", at_call(9, terminate, Steps.__call__))
        with pytest.raises(SystemExit):
            run(tmp_path / "stopped", model=model(3), epochs=1)
    assert_same(run(tmp_path / "stopped", model=model(9), epochs=1, resume=True), expected)


@pytest.mark.usefixtures("whole")
def test_a_run_that_is_there_is_not_begun_again_unasked(finished: Path) -> None:
    with pytest.raises(ValueError, match=r"`folder` must not hold another run.*resume=True"):
        run(finished)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"seed": 6}, "training.seed: 6 was 5"),
        ({"class_weights": (1.0, 2.0)}, r"training.class_weights: .*2.0\] was None"),
        ({"dropout": 0.1}, "model.dropout: 0.1 was 0.3"),
        ({"optimizer": tfrs_afm.optimizers.Adam(0.01)}, "optimizer.learning_rate: 0.0"),
        ({"optimizer": tfrs_afm.optimizers.SGD(0.02)}, "optimizer.kind: SGD was Adam"),
    ],
)
@pytest.mark.usefixtures("whole")
def test_another_run_does_not_go_on_from_this_one(
    change: dict[str, Any], difference: str, finished: Path
) -> None:
    if change.keys() & {"dropout", "optimizer"}:
        change = {"model": examples.model(**change)}
    with pytest.raises(ValueError, match=f"`resume` must go on with what.*{difference}"):
        run(finished, resume=True, **change)


@pytest.mark.usefixtures("whole")
def test_other_data_is_not_gone_on_with(finished: Path) -> None:
    with pytest.raises(ValueError, match=r"Received: data.rows: 9 was None"):
        train(
            examples.model(),
            examples.batches(),
            examples.validation(),
            finished,
            SETTINGS,
            resume=True,
            data={"rows": 9},
        )


@pytest.mark.usefixtures("whole")
def test_fewer_epochs_than_are_done_are_refused(finished: Path) -> None:
    with pytest.raises(ValueError, match="`epochs` must not be less than what is done"):
        run(finished, epochs=1, resume=True)
