from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.optimizers.oracles import gradient_of_rows
from tests.optimizers.rules import RULES
from tfrs_afm import optimizers

NAMES = ["Adam", "SGD", "Adagrad", "Ftrl"]
IDS = [1, 3, 1]
VALUES = np.array([[1.0, -2.0], [0.5, 0.1], [2.0, 0.3]])


def step(optimizer: Any, table: tf.Variable, ids: list[int], values: np.ndarray) -> None:
    slices = tf.IndexedSlices(tf.constant(values, tf.float32), tf.constant(ids), table.shape)
    optimizer.apply_gradients([(slices, table)])


def clipped(kind: str, limit: float) -> np.ndarray:
    """The gradient of a table of 5 rows as a dense matrix, clipped by the textbook."""
    gradient = np.zeros((5, 2))
    for row, values in gradient_of_rows(IDS, VALUES).items():
        gradient[row] = values
    if kind == "clipvalue":
        return np.clip(gradient, -limit, limit)
    norm = sum(float(g) ** 2 for g in gradient.ravel()) ** 0.5
    return gradient * min(1.0, limit / norm)


@pytest.mark.parametrize("kind", ["clipnorm", "global_clipnorm", "clipvalue"])
@pytest.mark.parametrize("limit", [0.7, 2.5, 100.0])
def test_clipping_sees_the_gradient_of_a_row_that_repeats_once(kind: str, limit: float) -> None:
    table = tf.Variable(tf.zeros([5, 2]))
    step(optimizers.SGD(1.0, **{kind: limit}), table, IDS, VALUES)
    np.testing.assert_allclose(table.numpy(), -clipped(kind, limit), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_weight_decay_shrinks_the_rows_looked_up_and_no_other(name: str) -> None:
    start = np.arange(1.0, 11.0, dtype=np.float32).reshape(5, 2)
    table, plain = tf.Variable(start), tf.Variable(start)
    step(getattr(optimizers, name)(0.1, weight_decay=0.5), table, IDS, VALUES)
    decayed = start.copy()
    decayed[[1, 3]] *= 1 - 0.1 * 0.5
    plain.assign(decayed)
    step(getattr(optimizers, name)(0.1), plain, IDS, VALUES)
    np.testing.assert_allclose(table.numpy(), plain.numpy(), rtol=1e-5)
    np.testing.assert_array_equal(table.numpy()[[0, 2, 4]], start[[0, 2, 4]])


def test_a_variable_can_be_excluded_from_weight_decay() -> None:
    table = tf.Variable(tf.ones([5, 2]), name="table")
    optimizer = optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["table"])
    step(optimizer, table, IDS, np.zeros((3, 2)))
    np.testing.assert_array_equal(table.numpy(), np.ones((5, 2)))


@pytest.mark.parametrize("name", NAMES)
def test_the_moving_average_is_that_of_all_rows(name: str) -> None:
    table = tf.Variable(tf.ones([5, 2]))
    optimizer = getattr(optimizers, name)(0.1, use_ema=True, ema_momentum=0.5)
    average = np.ones((5, 2))
    for _ in range(3):
        step(optimizer, table, IDS, VALUES)
        average = 0.5 * average + 0.5 * table.numpy()
    optimizer.finalize_variable_values([table])
    np.testing.assert_allclose(table.numpy(), average, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_learning_rate_schedule_is_followed(name: str) -> None:
    rates = [0.4, 0.2, 0.1]
    schedule = tf.keras.optimizers.schedules.PiecewiseConstantDecay([0, 1], rates)
    scheduled, by_hand = tf.Variable(tf.ones([5, 2])), tf.Variable(tf.ones([5, 2]))
    follows = getattr(optimizers, name)(schedule)
    told = getattr(optimizers, name)(rates[0])
    for rate in rates:
        told.learning_rate = rate
        step(follows, scheduled, IDS, VALUES)
        step(told, by_hand, IDS, VALUES)
    np.testing.assert_allclose(scheduled.numpy(), by_hand.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_scale_changes_nothing_but_skips_what_overflows(name: str) -> None:
    plain, scaled = tf.Variable(tf.ones([5, 2])), tf.Variable(tf.ones([5, 2]))
    scaler = tf.keras.mixed_precision.LossScaleOptimizer(
        getattr(optimizers, name)(0.1), initial_scale=8.0
    )
    alone = getattr(optimizers, name)(0.1)
    for values in (VALUES, np.full((3, 2), np.inf), -VALUES):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(scaled, IDS) * tf.constant(values, tf.float32))
            loss = scaler.get_scaled_loss(loss)
        gradients = scaler.get_unscaled_gradients(tape.gradient(loss, [scaled]))
        scaler.apply_gradients(zip(gradients, [scaled], strict=True))
        if np.isfinite(values).all():
            step(alone, plain, IDS, values)
        else:
            alone.iterations.assign_add(1)  # tf_keras counts the steps it skips
    np.testing.assert_allclose(scaled.numpy(), plain.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        (optimizers.SGD(), 0),
        (optimizers.SGD(momentum=0.9), 1),
        (optimizers.Adagrad(), 1),
        (optimizers.Adam(), 2),
        (optimizers.Adam(amsgrad=True), 3),
        (optimizers.Ftrl(), 2),
        (optimizers.SGD(use_ema=True), 1),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_no_slot_is_made_that_is_not_needed(optimizer: Any, slots: int) -> None:
    optimizer.build([tf.Variable(tf.ones([7, 2]))])
    assert sum(variable.shape == [7, 2] for variable in optimizer.variables) == slots


def test_a_momentum_set_after_a_build_without_is_refused() -> None:
    table = tf.Variable(tf.ones([5, 2]))
    optimizer = optimizers.SGD(0.1)
    step(optimizer, table, IDS, VALUES)
    optimizer.momentum = 0.5
    with pytest.raises(ValueError, match=r"`momentum` must stay 0 .* Received: momentum=0\.5"):
        step(optimizer, table, IDS, VALUES)


@pytest.mark.parametrize("name", RULES)
def test_xla_compiles_dense_updates_and_leaves_sparse_ones_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    base = tf.keras.optimizers.Optimizer

    def spy(self: Any, gradient: Any, variable: Any, key: int) -> None:
        compiled.append(variable.name)
        self._update_step(gradient, variable)

    monkeypatch.setattr(base, "_update_step_xla", spy)
    table, kernel = tf.Variable(tf.ones([5, 2]), name="table"), tf.Variable([1.0], name="kernel")
    optimizer = RULES[name].make()
    optimizer.jit_compile = True  # what tf_keras sets where there is a GPU
    slices = tf.IndexedSlices(tf.constant(VALUES, tf.float32), tf.constant(IDS), [5, 2])
    optimizer.apply_gradients([(slices, table), (tf.constant([1.0]), kernel)])
    assert compiled == ["kernel:0"]
    assert (table.numpy()[[1, 3]] != 1).any()
    assert kernel.numpy() != 1


@pytest.mark.parametrize("name", NAMES)
def test_a_model_compiled_with_it_learns_its_rows(name: str) -> None:
    tf.keras.utils.set_random_seed(7)
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Embedding(50, 4, input_length=1, name="table"),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(1),
        ]
    )
    model.build((None, 1))
    before = model.get_layer("table").embeddings.numpy()
    model.compile(getattr(optimizers, name)(0.5), "mse")
    ids = np.arange(10).reshape(10, 1)
    history = model.fit(ids, ids / 10, epochs=30, batch_size=5, verbose=0).history["loss"]
    after = model.get_layer("table").embeddings.numpy()
    assert history[-1] < 0.2 * history[0]
    np.testing.assert_array_equal(after[10:], before[10:])
