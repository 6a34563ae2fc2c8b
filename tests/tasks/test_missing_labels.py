"""A label that is missing (NaN) and weighs nothing does not count, wherever it stands."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

pytestmark = pytest.mark.long

tasks = tfrs_afm.tasks
RNG = np.random.default_rng(7)
VECTORS = RNG.normal(size=(8, 3, 4)).astype(np.float32)
NAN = float("nan")
LABELS = np.array([0, NAN, 1, 0, NAN, 1, 1, 0], np.float32)
WEIGHTS = np.array([1, 0, 2, 1, 0, 0.5, 1, 0], np.float32)
USERS = np.array([1, 1, 1, 1, 2, 2, 2, 2])
LOSSES = {
    "binary": tf.keras.losses.BinaryCrossentropy(from_logits=True),
    "squared": tf.keras.losses.MeanSquaredError(),
    "clipped": tasks.losses.ClippedSquaredError(0.0, 1.0),
    "pairs": tasks.losses.PairwiseLogistic("user"),
    "lists": tasks.losses.ListwiseSoftmax("user"),
}


def plain_losses(name: str, y: np.ndarray, s: np.ndarray, users: np.ndarray) -> list[float]:
    """Each example's loss, from the formulas, over the rows that are given."""
    found = []
    for i in range(len(y)):
        mates = [j for j in range(len(y)) if users[j] == users[i]]
        if name == "binary":
            found.append(np.log1p(np.exp(-s[i] if y[i] else s[i])))
        elif name in ("squared", "clipped"):
            found.append((y[i] - s[i]) ** 2)
        elif name == "pairs":
            below = [np.log1p(np.exp(s[j] - s[i])) for j in mates if y[j] < y[i]]
            found.append(np.mean(below) if below else 0.0)
        else:
            total = sum(y[j] for j in mates)
            log_sum = np.log(sum(np.exp(s[j]) for j in mates))
            found.append(y[i] / total * (log_sum - s[i]) if total else 0.0)
    return found


@pytest.mark.parametrize("name", LOSSES)
def test_loss_gradients_and_metrics_are_those_without_the_row(name: str) -> None:
    task = tasks.AFM(4, loss=LOSSES[name])
    alone = tasks.AFM(4, loss=LOSSES[name])
    features = {"user": tf.constant(USERS)}
    task.logits(VECTORS)
    alone.logits(VECTORS)
    alone.interaction.set_weights(task.interaction.get_weights())
    kept = WEIGHTS > 0
    with tf.GradientTape(persistent=True) as tape:
        loss = task(LABELS, VECTORS, sample_weight=WEIGHTS, features=features)
        few = alone(
            LABELS[kept],
            VECTORS[kept],
            sample_weight=WEIGHTS[kept],
            features={"user": tf.constant(USERS[kept])},
        )
    scores = task.logits(VECTORS).numpy()[kept, 0].astype(np.float64)
    expected = plain_losses(name, LABELS[kept], scores, USERS[kept])
    np.testing.assert_allclose(loss, np.sum(expected * WEIGHTS[kept]) / len(LABELS), rtol=1e-4)
    for mine, other in zip(
        tape.gradient(loss, task.trainable_variables),
        tape.gradient(few, alone.trainable_variables),
        strict=True,
    ):
        np.testing.assert_allclose(mine, other * kept.sum() / len(LABELS), rtol=1e-4, atol=1e-6)
    for mine, other in zip(task.metrics, alone.metrics, strict=True):
        assert np.isfinite(mine.result())
        np.testing.assert_allclose(mine.result(), other.result(), rtol=1e-5, err_msg=mine.name)


def test_an_auc_without_the_row_is_that_of_its_pairs() -> None:
    task = tasks.AFM(4)
    task(LABELS, VECTORS, sample_weight=WEIGHTS)
    scores = task.logits(VECTORS).numpy()[:, 0]
    kept = [row for row in range(8) if WEIGHTS[row] > 0]
    pairs = [(i, j) for i, j in itertools.product(kept, kept) if LABELS[i] > LABELS[j]]
    share = [WEIGHTS[i] * WEIGHTS[j] for i, j in pairs]
    right = [scores[i] > scores[j] for i, j in pairs]
    auc = {metric.name: float(metric.result()) for metric in task.metrics}["auc"]
    np.testing.assert_allclose(auc, np.average(right, weights=share), atol=1e-3)


@pytest.mark.parametrize("in_graph", [False, True])
def test_a_task_of_several_leaves_out_what_it_has_no_label_for(*, in_graph: bool) -> None:
    both = tasks.Joint({"click": tasks.AFM(4), "rating": tasks.AFM(4, loss=LOSSES["clipped"])})
    labels = {"click": np.nan_to_num(LABELS), "rating": LABELS}
    run = tf.function(both) if in_graph else both
    loss = run(labels, VECTORS, sample_weight={"rating": WEIGHTS})
    kept = WEIGHTS > 0
    scores = {name: one.numpy()[:, 0] for name, one in both.logits(VECTORS).items()}
    click = plain_losses("binary", labels["click"], scores["click"], USERS)
    rating = plain_losses("squared", LABELS[kept], scores["rating"][kept], USERS[kept])
    expected = np.mean(click) + np.sum(rating * WEIGHTS[kept]) / 8
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def model_and_data(weights: np.ndarray) -> tuple:
    fc = tf.feature_column
    ids = [fc.categorical_column_with_identity(name, 8) for name in ("user", "film")]
    model = tfrs_afm.models.AFM([fc.embedding_column(one, 4) for one in ids], 4)
    model.compile(tf.keras.optimizers.Adagrad(0.1))
    features = {"user": USERS, "film": np.arange(8)}
    return model, tf.data.Dataset.from_tensors((features, LABELS, weights))


def test_a_model_trains_beside_missing_labels() -> None:
    model, data = model_and_data(WEIGHTS)
    logs = model.fit(data, epochs=3, validation_data=data, verbose=0).history
    assert all(np.isfinite(value).all() for value in logs.values())
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_one_that_weighs_something_still_stops_training() -> None:
    model, data = model_and_data(np.ones(8, np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`loss` must be finite"):
        model.fit(data, verbose=0)
