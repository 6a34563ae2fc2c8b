import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.oracles import numeric_gradient
from tfrs_afm.tasks import losses

RNG = np.random.default_rng(6)
GROUPS = np.array([3, 3, 9, 3, 9, 4, 5, 5])
LABELS = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
SCORES = RNG.normal(size=8)


def pairwise(scores: np.ndarray) -> list[float]:
    found = []
    for i in range(8):
        below = [j for j in range(8) if GROUPS[j] == GROUPS[i] and LABELS[j] < LABELS[i]]
        terms = [math.log1p(math.exp(scores[j] - scores[i])) for j in below]
        found.append(sum(terms) / len(terms) if terms else 0.0)
    return found


def listwise(scores: np.ndarray) -> list[float]:
    found = []
    for i in range(8):
        same = [j for j in range(8) if GROUPS[j] == GROUPS[i]]
        gains = sum(LABELS[j] for j in same)
        log_sum = math.log(sum(math.exp(scores[j]) for j in same))
        found.append(LABELS[i] / gains * (log_sum - scores[i]) if gains else 0.0)
    return found


LOSSES: dict[str, tuple[Any, Any]] = {
    "pairwise": (losses.PairwiseLogistic, pairwise),
    "listwise": (losses.ListwiseSoftmax, listwise),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradient_are_those_of_the_loops(name: str) -> None:
    make, oracle = LOSSES[name]
    scores = tf.constant(SCORES[:, None])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        values = make("user").of_groups(LABELS[:, None], scores, tf.constant(GROUPS))
    np.testing.assert_allclose(values, oracle(SCORES), atol=1e-12)
    expected = numeric_gradient(lambda point: sum(oracle(point)), SCORES)
    np.testing.assert_allclose(tape.gradient(values, scores)[:, 0], expected, atol=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_extreme_scores_give_finite_losses_and_gradients(name: str) -> None:
    scores = tf.constant([1e4, -1e4, 1e4, -1e4, 0, 0, 0, 0], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        values = LOSSES[name][0]("user").of_groups(LABELS, scores, tf.constant(GROUPS))
    assert np.isfinite(values).all()
    assert np.isfinite(tape.gradient(values, scores)).all()


@pytest.mark.parametrize("name", LOSSES)
def test_as_a_plain_keras_loss_the_batch_is_one_group(name: str) -> None:
    loss = LOSSES[name][0]("user", reduction=tf.keras.losses.Reduction.SUM)
    one = loss.of_groups(LABELS, tf.constant(SCORES), tf.zeros([8], tf.int64))
    np.testing.assert_allclose(loss(LABELS, SCORES), tf.reduce_sum(one), rtol=1e-6)
    clone = type(loss).from_config(loss.get_config())
    assert clone.get_config() == loss.get_config()


def test_clipped_squared_error_clips_predictions_and_not_the_gradient() -> None:
    loss = losses.ClippedSquaredError(1.0, 5.0, scale=0.5)
    logits = tf.constant([[0.0], [3.0], [7.0]])
    assert loss.predictions(logits).numpy().tolist() == [[1.0], [3.0], [5.0]]
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss([[1.0], [5.0], [5.0]], logits)
    assert float(value) == pytest.approx(0.5 * (1 + 4 + 4) / 3)
    np.testing.assert_allclose(tape.gradient(value, logits)[:, 0], np.array([-1, -2, 2]) / 3)
    with pytest.raises(ValueError, match=r"`low` must be below `high`. Received: low=5, high=1"):
        losses.ClippedSquaredError(5, 1)
