import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizers.rules import RULES, expected, trained
from tfrs_afm import kernels, optimizers

Steps = list[tuple[list[int], np.ndarray]]


@st.composite
def runs(draw: st.DrawFn) -> tuple[np.ndarray, Steps]:
    """A table and some gradients of its rows, with rows that repeat and rows that never come."""
    rows = draw(st.integers(1, 6))
    width = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=4))
    steps = [
        (random.integers(0, rows, size).tolist(), random.normal(size=(size, width)))
        for size in sizes
    ]
    return random.normal(size=(rows, width)), steps


@pytest.mark.matrix
@pytest.mark.parametrize("form", [kernels.stock, contextlib.nullcontext], ids=["stock", "kernels"])
@pytest.mark.parametrize("name", RULES)
@settings(max_examples=8, deadline=None)
@given(run=runs())
def test_rows_follow_the_rule_of_the_paper(
    form: Callable[[], Any], name: str, run: tuple[np.ndarray, Steps]
) -> None:
    start, steps = run
    with form():
        found = trained(RULES[name].make(), start, steps)
    np.testing.assert_allclose(found, expected(RULES[name], start, steps), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", RULES)
def test_rows_that_a_batch_does_not_look_up_do_not_move(name: str) -> None:
    start = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    steps = [([0, 2, 2], np.ones((3, 3))), ([2], np.ones((1, 3)))]
    found = trained(RULES[name].make(), start, steps)
    np.testing.assert_array_equal(found[[1, 3, 4]], start[[1, 3, 4]])
    assert (found[[0, 2]] != start[[0, 2]]).any(axis=1).all()


@pytest.mark.parametrize("name", RULES)
def test_a_dense_gradient_is_the_sparse_one_of_all_rows(name: str) -> None:
    random = np.random.default_rng(2)
    start = random.normal(size=(4, 3))
    steps = [(list(range(4)), random.normal(size=(4, 3))) for _ in range(5)]
    dense = trained(RULES[name].make(), start, steps, dense=True)
    np.testing.assert_allclose(dense, expected(RULES[name], start, steps), rtol=2e-4, atol=2e-5)


KERAS = {
    "Adam": {"beta_1": 0.8, "amsgrad": True},
    "SGD": {"momentum": 0.9, "nesterov": True},
    "Adagrad": {"initial_accumulator_value": 0.3},
    "Ftrl": {"l1_regularization_strength": 0.01, "beta": 0.2},
}


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"clipnorm": 0.5},
        {"global_clipnorm": 0.5},
        {"clipvalue": 0.2},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    ],
    ids=str,
)
def test_dense_variables_train_as_by_tf_keras(name: str, options: dict[str, Any]) -> None:
    random = np.random.default_rng(3)
    start = random.normal(size=(4, 3))
    steps = [(list(range(4)), random.normal(size=(4, 3))) for _ in range(5)]
    ours = getattr(optimizers, name)(0.1, **KERAS[name], **options)
    theirs = getattr(tf.keras.optimizers, name)(0.1, **KERAS[name], **options)
    np.testing.assert_allclose(
        trained(ours, start, steps, dense=True),
        trained(theirs, start, steps, dense=True),
        rtol=1e-5,
        atol=1e-6,
    )


@settings(max_examples=15, deadline=None)
@given(run=runs())
def test_ftrl_equals_the_legacy_ftrl_on_sparse_gradients(run: tuple[np.ndarray, Steps]) -> None:
    options = {
        "l1_regularization_strength": 0.02,
        "l2_regularization_strength": 0.1,
        "l2_shrinkage_regularization_strength": 0.03,
        "beta": 0.4,
    }
    start, steps = run
    legacy = tf.keras.optimizers.legacy.Ftrl(0.1, **options)
    np.testing.assert_allclose(
        trained(optimizers.Ftrl(0.1, **options), start, steps),
        trained(legacy, start, steps),
        rtol=1e-4,
        atol=1e-5,
    )


def test_ftrl_leaves_rows_alone_that_tf_keras_zeroes() -> None:
    start = np.ones((1000, 2))
    steps = [([3, 5], np.ones((2, 2)))]
    assert (trained(tf.keras.optimizers.Ftrl(0.1), start, steps) == 0).all(axis=1).sum() == 998
    assert (trained(optimizers.Ftrl(0.1), start, steps) == 0).all(axis=1).sum() == 0


def test_ftrl_keeps_initial_values_only_where_its_accumulator_starts_at_zero() -> None:
    start, steps = np.ones((2, 2)), [([0], np.full((1, 2), 0.01))]
    kept = trained(optimizers.Ftrl(0.1, initial_accumulator_value=0.0), start, steps)
    lost = trained(optimizers.Ftrl(0.1), start, steps)
    np.testing.assert_allclose(kept[0], 0.9, rtol=1e-5)
    assert (np.abs(lost[0]) < 0.01).all()


def test_ftrl_gives_no_nan_where_a_dense_weight_has_no_gradient_yet() -> None:
    optimizer = optimizers.Ftrl(0.1, initial_accumulator_value=0.0)
    weights = tf.Variable([1.0, 2.0])
    optimizer.apply_gradients([(tf.constant([0.0, 1.0]), weights)])
    assert np.isfinite(weights.numpy()).all()


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_momentum_equals_the_legacy_one_on_sparse_gradients(nesterov: bool) -> None:
    random = np.random.default_rng(4)
    start = random.normal(size=(6, 2))
    steps = [(random.integers(0, 6, 4).tolist(), random.normal(size=(4, 2))) for _ in range(6)]
    legacy = tf.keras.optimizers.legacy.SGD(0.1, momentum=0.8, nesterov=nesterov)
    np.testing.assert_allclose(
        trained(optimizers.SGD(0.1, 0.8, nesterov=nesterov), start, steps),
        trained(legacy, start, steps),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("name", ["Adam", "SGD", "Adagrad"])
def test_where_every_row_is_looked_up_tf_keras_gives_the_same(name: str) -> None:
    random = np.random.default_rng(5)
    start = random.normal(size=(4, 3))
    steps = [([0, 1, 2, 3, 1], random.normal(size=(5, 3))) for _ in range(5)]
    np.testing.assert_allclose(
        trained(getattr(optimizers, name)(0.1, **KERAS[name]), start, steps),
        trained(getattr(tf.keras.optimizers, name)(0.1, **KERAS[name]), start, steps),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("name", RULES)
def test_a_step_in_a_tf_function_is_the_eager_step(name: str) -> None:
    random = np.random.default_rng(6)
    start = random.normal(size=(5, 2))
    steps = [(random.integers(0, 5, 6).tolist(), random.normal(size=(6, 2))) for _ in range(4)]
    table = tf.Variable(start, dtype=tf.float32)
    optimizer = RULES[name].make()
    optimizer.build([table])

    @tf.function
    def step(ids: tf.Tensor, values: tf.Tensor) -> None:
        optimizer.apply_gradients([(tf.IndexedSlices(values, ids, start.shape), table)])

    for ids, values in steps:
        step(tf.constant(ids), tf.constant(values, tf.float32))
    np.testing.assert_allclose(
        table.numpy(), trained(RULES[name].make(), start, steps), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float64])
@pytest.mark.parametrize("name", RULES)
def test_tables_of_every_float_type_train(name: str, dtype: tf.DType) -> None:
    table = tf.Variable(tf.ones([4, 2], dtype))
    gradient = tf.IndexedSlices(tf.ones([3, 2], dtype), tf.constant([1, 1, 2]), [4, 2])
    RULES[name].make().apply_gradients([(gradient, table)])
    found = tf.cast(table, tf.float32).numpy()
    assert np.isfinite(found).all()
    assert (found[1:3] != 1).all()
    assert (found[[0, 3]] == 1).all()
