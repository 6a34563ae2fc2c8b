import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.training import Pretraining, Training
from pipelines.training import loop
from pipelines.training.loop import Loop
from pipelines.training.pretrain import _Machine, pretrain
from pipelines.training.train import train
from tests.oracles import pair_products
from tests.pipelines.training import examples

SETTINGS = Training(
    epochs=1,
    ema={"momentum": 0.9},
    pretraining={"epochs": 3, "optimizer": {"learning_rate": 0.05}},
)


def machine_logloss(tables: dict[str, Any], bias: float) -> float:
    """The papers' sums over the validation part, row by row in float64."""
    losses = []
    features, labels = examples.rows(1)
    lists = features["seen"].to_list()
    for row, label in enumerate(labels[:, 0]):
        ids = {"film": [features["film"][row]], "user": [features["user"][row]], "seen": lists[row]}
        logit, vectors = float(bias), []
        for name, members in ids.items():
            if members:
                weights = np.asarray(tables[f"{name}_embedding/linear"], np.float64)[members, 0]
                logit += weights.mean()
                vectors.append(np.asarray(tables[f"{name}_embedding"], np.float64)[members].mean(0))
        for i, one in enumerate(vectors):
            logit += sum(float(one @ other) for other in vectors[i + 1 :])
        losses.append(np.log1p(np.exp(-logit if label else logit)))
    return float(np.mean(losses))


@pytest.mark.long
def test_the_embeddings_become_those_of_the_best_factorization_machine(tmp_path: Path) -> None:
    model = examples.afm()
    before = [weight.numpy() for weight in model.task.trainable_weights]
    pretrain(
        model,
        examples.batches(),
        examples.validation(),
        tmp_path,
        SETTINGS,
        data={},
        strategy=tf.distribute.get_strategy(),
    )
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    best = min(json.loads(line)["val_logloss"] for line in lines)
    tables = {
        name: table.trainable_weights[0].numpy() for name, table in model.embedding.tables.items()
    }
    (bias,) = (one for one in model.task.trainable_weights if "linear" in one.name)
    assert bias.numpy()[0] != 0
    assert machine_logloss(tables, bias.numpy()[0]) == pytest.approx(best, abs=1e-5)
    for weight, start in zip(model.task.trainable_weights, before, strict=True):
        if weight is not bias:
            np.testing.assert_array_equal(weight.numpy(), start)


def test_the_authors_machine_normalises_the_pairs_and_drops_some() -> None:
    model = examples.afm()
    features, _ = examples.rows(1)
    plain = _Machine(model, Pretraining())
    machine = _Machine(model, Pretraining(batch_norm=True, dropout=0.5))
    vectors, mask, linear = model.embedding(features)[:3]
    first = machine.task.logits(vectors, mask, linear)  # by the running mean 0 and variance 1
    pairs = plain.task.logits(vectors, mask, linear) - plain.task.logits(0 * vectors, mask, linear)
    known = machine.task.logits(0 * vectors, mask, linear)
    np.testing.assert_allclose(first, known + pairs / np.sqrt(1 + 1e-3), rtol=1e-4, atol=1e-6)
    sums = [
        sum((p for _, _, p in pair_products(v, m)), np.zeros(v.shape[1]))
        for v, m in zip(vectors.numpy(), mask.numpy(), strict=True)
    ]
    real = np.array(sums)[mask.numpy().sum(1) > 1]
    kept = (np.array(sums) - real.mean(0)) / np.sqrt(real.var(0) + 1e-3)
    trained = machine.task.interaction._dropout
    trained.rate = 0.0
    found = machine.task.logits(vectors, mask, linear, training=True) - known
    np.testing.assert_allclose(found[:, 0], kept.sum(1), rtol=1e-3, atol=1e-3)
    trained.rate = 0.5
    dropped = [machine.task.logits(vectors, mask, linear, training=True) for _ in range(2)]
    assert np.abs(dropped[0] - dropped[1]).max() > 1e-3


@pytest.mark.long
def test_the_model_begins_with_what_that_machine_learnt_but_for_what_normalised_it(
    tmp_path: Path,
) -> None:
    model = examples.afm()
    before = {variable.ref(): variable.numpy() for variable in model.variables}
    settings = {"epochs": 2, "batch_norm": True, "dropout": 0.3}
    settings["optimizer"] = {"kind": "adagrad", "learning_rate": 0.1}
    training = Training(epochs=1, pretraining=settings)
    given = (model, examples.batches(), examples.validation(), tmp_path, training)
    pretrain(*given, data={}, strategy=tf.distribute.get_strategy())
    moved = {
        variable.name
        for variable in model.variables
        if (before[variable.ref()] != variable.numpy()).any()
    }
    assert any("embedding" in name for name in moved)
    assert any("linear" in name for name in moved)
    assert not any("attention" in name for name in moved)
    assert not any("gamma" in variable.name for variable in model.variables)
    pretrain(*given, data={}, strategy=tf.distribute.get_strategy())  # goes on, which is nothing
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 2


@pytest.mark.long
def test_a_run_stopped_before_or_after_its_pretraining_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(name: str, seed: int) -> Any:
        model = examples.afm(seed=seed)
        data = examples.batches(), examples.validation(), tmp_path / name
        history = train(model, *data, SETTINGS, resume=True)
        return examples.weights(model), examples.numbers(history.epochs)

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    whole = run("whole", 3)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_text", stop)  # before the machine's first checkpoint
        with pytest.raises(KeyboardInterrupt):
            run("stopped", 3)
    begin = Loop._begin
    with monkeypatch.context() as patch:
        calls = iter([begin, stop])  # after the machine's last and before the model's first
        patch.setattr(Loop, "_begin", lambda self, **given: next(calls)(self, **given))
        with pytest.raises(KeyboardInterrupt):
            run("stopped", 3)
    again = run("stopped", 3)
    assert again[1] == whole[1]
    for name, weight in whole[0].items():
        np.testing.assert_array_equal(weight, again[0][name], err_msg=name)


def test_the_machine_has_one_branch_whatever_the_model_has() -> None:
    column = tf.feature_column.categorical_column_with_identity("film", 9)
    base = tf.keras.losses.MeanSquaredError()
    task = tfrs_afm.tasks.DeepFM([2], loss=tfrs_afm.tasks.losses.Branches(base))
    model = tfrs_afm.models.DeepFM([tf.feature_column.embedding_column(column, 2)], task=task)
    machine = _Machine(model, Pretraining())
    assert machine.logits({"film": tf.constant([1, 2])}, training=True).shape == (2, 1)
    assert type(machine.task._loss) is tf.keras.losses.MeanSquaredError


def test_several_tasks_have_no_one_machine(tmp_path: Path) -> None:
    column = tf.feature_column.categorical_column_with_identity("film", 9)
    tasks = {"click": tfrs_afm.tasks.AFM(2), "buy": tfrs_afm.tasks.AFM(2)}
    model = tfrs_afm.models.MultiTask([tf.feature_column.embedding_column(column, 2)], tasks)
    model.compile(tfrs_afm.optimizers.Adam())
    settings = SETTINGS.model_copy(update={"early_stopping": {"monitor": "loss"}})
    with pytest.raises(ValueError, match=r"`pretraining` must be for a model with one task"):
        pretrain(
            model,
            examples.batches(),
            None,
            tmp_path,
            settings,
            data={},
            strategy=tf.distribute.get_strategy(),
        )
