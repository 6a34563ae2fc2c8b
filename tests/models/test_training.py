import math
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tests.pipelines import oracles

fc = tf.feature_column
RNG = np.random.default_rng(9)


def columns() -> list:
    return [
        fc.embedding_column(fc.categorical_column_with_identity(name, 20), 4)
        for name in ("user", "film")
    ]


def rows(size: int = 100) -> tuple[dict, np.ndarray]:
    features = {name: RNG.integers(0, 20, size) for name in ("user", "film")}
    return features, (features["film"] % 2).astype(np.float32)


@pytest.mark.parametrize("eagerly", [False, True])
def test_nan_in_the_loss_stops_training_and_names_the_step(eagerly: bool) -> None:
    features, labels = rows()
    labels[50:60] = np.nan
    model = tfrs_afm.models.AFM(columns(), task=tfrs_afm.tasks.AFM(4, metrics=[]))
    model.compile(tf.keras.optimizers.Adagrad(0.1), run_eagerly=eagerly)
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(10)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        model.fit(data, verbose=0)
    assert "`loss` must be finite. Received: loss=" in str(error.value)
    assert re.search(r"at step\W+5\b", str(error.value))
    # The step that failed changed nothing.
    assert all(np.isfinite(weight).all() for weight in model.trainable_variables)


@pytest.mark.long
@pytest.mark.parametrize(
    "loss",
    [tfrs_afm.tasks.losses.PairwiseLogistic("user"), tfrs_afm.tasks.losses.ListwiseSoftmax("user")],
)
def test_grouped_losses_learn_to_rank_and_are_measured_by_group(loss: object) -> None:
    features, labels = rows(400)
    model = tfrs_afm.models.DeepFM(columns(), task=tfrs_afm.tasks.DeepFM([8], loss=loss))
    model.compile(tf.keras.optimizers.Adam(0.02))
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(64)
    history = model.fit(data, epochs=15, validation_data=data, verbose=0).history
    assert "grouped_auc" not in history
    assert history["val_grouped_auc"][-1] > 0.95
    measured = model.evaluate(data, verbose=0, return_dict=True)
    scores = model.predict(data, verbose=0)[:, 0]
    users, labels = features["user"], labels.astype(int)
    assert math.isclose(
        measured["grouped_auc"], oracles.grouped_auc(users, labels, scores), rel_tol=1e-5
    )
    expected = oracles.ndcg(users, labels, scores, 10)
    assert math.isclose(measured["ndcg_at_10"], expected, rel_tol=1e-5)
    assert model.evaluate(data, verbose=0) == pytest.approx(list(measured.values()))


def test_a_group_may_be_a_string_or_sparse_feature() -> None:
    names = tf.constant([["a"], ["b"], ["a"], ["b"]])
    sparse = tf.sparse.from_dense(tf.constant([[1], [2], [1], [2]]))
    ragged = tf.ragged.constant([[1], [2], [1], [2]])
    labels, vectors = tf.constant([1.0, 0.0, 0.0, 1.0]), tf.random.normal([4, 3, 2])
    found = set()
    for users in (names, sparse, ragged):
        metric = tfrs_afm.tasks.metrics.GroupedAUC("user")
        task = tfrs_afm.tasks.DeepFM([4], metrics=[metric])
        task.logits(vectors)
        for weight in task.trainable_variables:
            weight.assign(tf.fill(weight.shape, 0.1))
        task(labels, vectors, features={"user": users})
        found.add(round(float(metric.result()), 5))
    assert len(found) == 1


@pytest.mark.parametrize("features", [None, {"film": tf.constant([1])}])
def test_a_group_that_is_no_feature_is_named(features: dict | None) -> None:
    task = tfrs_afm.tasks.AFM(4, loss=tfrs_afm.tasks.losses.PairwiseLogistic("user"))
    with pytest.raises(ValueError, match="`group` must name a feature of the batch"):
        task(tf.ones([1]), tf.ones([1, 3, 2]), features=features)


def test_a_group_of_floats_is_refused() -> None:
    task = tfrs_afm.tasks.AFM(4, loss=tfrs_afm.tasks.losses.PairwiseLogistic("age"))
    with pytest.raises(ValueError, match="must name a feature of integers or strings"):
        task(tf.ones([1]), tf.ones([1, 3, 2]), features={"age": tf.constant([3.5])})


REPLICAS = """
import numpy as np
import tensorflow as tf
import tfrs_afm

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
fc = tf.feature_column


def trained(strategy):
    tf.keras.utils.set_random_seed(1)
    with strategy.scope():
        columns = [
            fc.embedding_column(fc.categorical_column_with_identity(name, 6), 4)
            for name in ("user", "film")
        ]
        task = tfrs_afm.tasks.AFM(4, attention_l2=0.3, metrics=[])
        model = tfrs_afm.models.AFM(columns, task=task)
        model({"user": tf.constant([1]), "film": tf.constant([2])})
        rng = np.random.default_rng(0)
        model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
        model.compile(tf.keras.optimizers.SGD(0.5))
    features = {name: rng.integers(0, 6, 32) for name in ("user", "film")}
    labels = (features["user"] % 2).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(8)
    loss = model.fit(data, verbose=0).history["loss"]
    return [np.asarray(weight) for weight in model.trainable_variables], loss


one, loss = trained(tf.distribute.get_strategy())
two, again = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
for left, right in zip(one, two, strict=True):
    np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)
np.testing.assert_allclose(loss, again, rtol=1e-4)
print("same")
"""


@pytest.mark.long
def test_two_replicas_train_the_same_model_as_one_with_l2_counted_once() -> None:
    """A plain tfrs.Model adds the regularization once a replica."""
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith("same\n")


OPTIMIZERS = [
    tfrs_afm.optimizers.Adam,
    pytest.param(tfrs_afm.optimizers.Adagrad, marks=pytest.mark.long),
    pytest.param(tf.keras.optimizers.Adam, marks=pytest.mark.long),
    pytest.param(tf.keras.optimizers.Ftrl, marks=pytest.mark.long),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_saved_model_trains_on_where_it_was(optimizer: type, tmp_path: pathlib.Path) -> None:
    """Keras restores no optimizer of a class with a `compile` of its own, and says so in a log."""
    model, data = tfrs_afm.models.DeepFM(columns(), units=[8]), rows()
    model.compile(optimizer(0.05))
    model(data[0])
    model.fit(*data, batch_size=20, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 5
    for one in (model, loaded):
        one.fit(*data, batch_size=20, shuffle=False, verbose=0)
    for was, now in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(was, now)


def test_a_loss_in_a_file_of_before_was_never_used_and_is_dropped() -> None:
    model = tfrs_afm.models.AFM(columns())
    model.compile_from_config({"optimizer": "adam", "loss": "mse", "metrics": ["mae"]})
    model.fit(*rows(), verbose=0)
    assert "mae" not in {metric.name for metric in model.metrics}
