"""Pairs and tower that also learn by themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tfrs_afm import interactions as parts

tasks = tfrs_afm.tasks
Branches = tasks.losses.Branches
RNG = np.random.default_rng(2)
VECTORS = RNG.normal(size=(6, 3, 4)).astype(np.float32)
MASK = np.array([[True] * 3] * 4 + [[True, False, True], [False] * 3])
LINEAR = RNG.normal(size=(6, 3)).astype(np.float32)
LABELS = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
WEIGHTS = np.array([1.0, 2.0, 0.5, 1.0, 0.0, 1.0])
MODELS: dict[str, Any] = {
    "afm": lambda: parts.AFM(3, deep=parts.Deep([4])),
    "deepfm": lambda: parts.DeepFM([4]),
    "gated": lambda: parts.FieldGate(parts.DeepFM([4])),
}


def scored(layer: Any, **options: Any) -> np.ndarray:
    found = layer(tf.constant(VECTORS), tf.constant(MASK), tf.constant(LINEAR), **options)
    return np.asarray(found, np.float64)


@pytest.mark.parametrize("name", MODELS)
def test_the_logit_is_the_mean_of_the_branches_of_the_parts(name: str) -> None:
    layer = MODELS[name]()
    scored(layer)
    for variable in layer.weights:
        variable.assign(RNG.normal(size=variable.shape))
    branches = scored(layer, branches=True)
    assert branches.shape == (6, 2)
    np.testing.assert_allclose(branches.mean(1), scored(layer)[:, 0], rtol=1e-4, atol=1e-4)
    told = layer.contributions(tf.constant(VECTORS), tf.constant(MASK), tf.constant(LINEAR))
    shallow = np.asarray(tf.reduce_sum(told.linear, 1) + tf.reduce_sum(told.pairs, 1))
    expected = np.stack([told.bias + 2 * shallow, told.bias + 2 * told.deep], axis=1)
    np.testing.assert_allclose(branches, expected, rtol=1e-3, atol=1e-3)


def entropy(target: Any, logit: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(logit)) - target * logit


def expected_loss(branches: np.ndarray, teacher: str, kind: Any = entropy) -> float:
    """The formulas in float64, example by example."""
    together = branches.mean(1)
    joint = kind(LABELS, together)
    total, counts = joint.copy(), WEIGHTS != 0
    for branch in branches.T:
        if teacher == "mean":
            target = 1 / (1 + np.exp(-together)) if kind is entropy else together
            total += kind(target, branch)
        else:
            own = kind(LABELS, branch)
            total += max(0.0, float((own - joint)[counts].mean())) * own
    return float((total * WEIGHTS).sum() / len(LABELS))


@pytest.mark.parametrize("teacher", ["mean", "label"])
@pytest.mark.parametrize("base", [None, "mse"])
def test_the_loss_is_the_papers(teacher: str, base: str | None) -> None:
    task = tasks.DeepFM([4], loss=Branches(base, teacher))
    task.logits(tf.constant(VECTORS))
    branches = RNG.normal(size=(6, 2)) * 3
    kind = entropy if base is None else lambda target, logit: (target - logit) ** 2
    labels = np.where(WEIGHTS == 0, np.nan, LABELS)  # what does not count may be missing
    found = task.loss(labels, tf.constant(branches, tf.float32), WEIGHTS, training=True)
    assert float(found) == pytest.approx(expected_loss(branches, teacher, kind), rel=1e-5)
    # Outside of training there is one logit, and one loss.
    joint = branches.mean(1, keepdims=True)
    alone = task.loss(labels, tf.constant(joint, tf.float32), WEIGHTS)
    assert float(alone) == pytest.approx(
        float((kind(LABELS, joint[:, 0]) * WEIGHTS).sum() / 6), rel=1e-5
    )


@pytest.mark.parametrize("teacher", ["mean", "label"])
def test_the_teacher_is_stopped_in_the_gradient(teacher: str) -> None:
    branches = RNG.normal(size=(6, 2)) * 3
    point = tf.constant(branches, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(point)
        loss = tf.reduce_sum(Branches(None, teacher).call(LABELS[:, np.newaxis], point))
    joint, found = branches.mean(1), tape.gradient(loss, point).numpy()

    def probability(logit: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-logit))

    for k, branch in enumerate(branches.T):
        expected = (probability(joint) - LABELS) / 2
        if teacher == "mean":
            expected += probability(branch) - probability(joint)
        else:
            excess = (entropy(LABELS, branch) - entropy(LABELS, joint)).mean()
            expected += max(0.0, excess) * (probability(branch) - LABELS)
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-3, atol=1e-4)


FC = tf.feature_column
FEATURES = {"user": tf.constant([1, 2, 3]), "film": tf.constant([3, 4, 5])}


def test_a_model_of_branches_trains_saves_and_answers_one_probability(tmp_path: Path) -> None:
    columns = [
        FC.embedding_column(FC.categorical_column_with_identity(name, 10), 4)
        for name in ("user", "film")
    ]
    loss = Branches(tf.keras.losses.BinaryCrossentropy(from_logits=True), "label")
    model = tfrs_afm.models.DeepFM(columns, task=tasks.DeepFM([4], loss=loss))
    model.compile(tf.keras.optimizers.Adam(0.1))
    data = tf.data.Dataset.from_tensors((FEATURES, tf.constant([0.0, 1.0, 1.0])))
    history = model.fit(data.repeat(30), epochs=2, verbose=0, validation_data=data).history
    assert history["loss"][1] < history["loss"][0]
    assert history["val_auc"][-1] == 1
    answers = model(FEATURES)
    assert answers.shape == (3, 1)
    model.save(tmp_path / "model.keras")
    again = tfrs_afm.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(FEATURES), answers, rtol=1e-6)
    assert (again.task._loss.teacher, again.task.binary) == ("label", True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Branches(teacher="both"), '`teacher` must be "mean" or "label"'),
        (lambda: Branches(tasks.losses.PairwiseLogistic("user")), "loss=PairwiseLogistic"),
        (lambda: tasks.AFM(4, loss=Branches()), "where there are not two"),
        (lambda: tasks.Ranking(parts.FieldGate(parts.AFM(2)), Branches()), "FieldGate"),
    ],
)
def test_what_cannot_be_is_told(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
