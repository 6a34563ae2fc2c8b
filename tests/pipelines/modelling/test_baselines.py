import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from pipelines.modelling.baselines import LogisticRegression, Popularity

fc = tf.feature_column


def model() -> LogisticRegression:
    film = fc.categorical_column_with_identity("film", 4)
    return LogisticRegression([fc.embedding_column(film, 8), fc.numeric_column("age")])


def test_it_learns_the_rate_of_each_id_and_the_slope_of_a_number() -> None:
    # With one weight an id, the maximum likelihood is each id's own rate.
    films = np.repeat([0, 1, 2, 3], [4, 4, 4, 4])
    labels = np.array([1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0], np.float32)
    features = {"film": films[:, None], "age": np.zeros([16, 1], np.float32)}
    data = tf.data.Dataset.from_tensors((features, labels[:, None])).repeat(300)
    regression = model()
    regression.compile(tf.keras.optimizers.Adam(0.1))
    history = regression.fit(data, verbose=0).history
    found = regression(tf.nest.map_structure(tf.constant, features)).numpy()[::4, 0]
    assert found == pytest.approx([0.25, 0.5, 0.75, 0.5], abs=1e-3)
    assert {"auc", "logloss"} <= set(history)


def test_only_linear_weights_and_the_bias_are_trained() -> None:
    regression = model()
    features = {"film": tf.constant([[1]]), "age": tf.constant([[2.0]])}
    assert regression(features).numpy().tolist() == [[0.5]]
    shapes = sorted(tuple(weight.shape) for weight in regression.trainable_weights)
    assert shapes == [(1,), (1, 1), (4, 1)]
    for weight in regression.trainable_weights:
        weight.assign(tf.fill(weight.shape, 0.5))
    expected = 1 / (1 + math.exp(-(0.5 + 0.5 + 2.0 * 0.5)))
    assert regression(features).numpy()[0, 0] == pytest.approx(expected, abs=1e-6)


EVENTS = st.lists(st.tuples(st.integers(-3, 5), st.integers(0, 1)), min_size=1, max_size=40)


@given(EVENTS, st.floats(0.5, 20), st.lists(st.integers(-5, 8)))
def test_the_rate_of_an_item_is_smoothed_towards_that_of_all(
    events: list[tuple[int, int]], prior: float, asked: list[int]
) -> None:
    items, labels = zip(*events, strict=True)
    mean = sum(labels) / len(labels)
    expected = [
        (sum(label for item, label in events if item == one) + prior * mean)
        / (sum(item == one for item, _ in events) + prior)
        for one in asked
    ]
    found = Popularity(items, labels, prior).predict(asked).tolist()
    assert found == pytest.approx(expected, abs=1e-12)


def test_without_examples_or_with_a_prior_of_nothing_there_is_no_rate() -> None:
    with pytest.raises(ValueError, match="`labels` must not be empty"):
        Popularity([], [])
    with pytest.raises(ValueError, match=r"`prior` must be positive. Received: prior=0"):
        Popularity([1], [1], prior=0)
