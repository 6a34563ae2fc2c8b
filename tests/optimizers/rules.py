"""Each update rule beside its oracle."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tests.optimizers import oracles
from tfrs_afm import optimizers


class Rule(NamedTuple):
    """An optimizer, the oracle of its update, and the oracle's first state."""

    make: Callable[..., Any]
    oracle: oracles.Step
    first: dict[str, float]


def _adam(**options: Any) -> Rule:
    flags = {"amsgrad": False, "adaptive": False, **options}
    return Rule(
        lambda **more: optimizers.Adam(
            0.1,
            beta_1=0.8,
            beta_2=0.95,
            epsilon=1e-3,
            amsgrad=flags["amsgrad"],
            adaptive_epsilon=flags["adaptive"],
            **more,
        ),
        oracles.adam(rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3, **flags),
        {"m": 0.0, "v": 0.0, "vhat": 0.0},
    )


def _sgd(momentum: float, *, nesterov: bool = False) -> Rule:
    return Rule(
        lambda **more: optimizers.SGD(0.1, momentum, nesterov=nesterov, **more),
        oracles.sgd(rate=0.1, momentum=momentum, nesterov=nesterov),
        {"m": 0.0},
    )


def _ftrl(
    first: float = 0.1,
    power: float = -0.5,
    l1: float = 0.0,
    l2: float = 0.0,
    shrinkage: float = 0.0,
    beta: float = 0.0,
) -> Rule:
    return Rule(
        lambda **more: optimizers.Ftrl(
            0.1,
            learning_rate_power=power,
            initial_accumulator_value=first,
            l1_regularization_strength=l1,
            l2_regularization_strength=l2,
            l2_shrinkage_regularization_strength=shrinkage,
            beta=beta,
            **more,
        ),
        oracles.ftrl(rate=0.1, power=power, l1=l1, l2=l2, shrinkage=shrinkage, beta=beta),
        {"n": first, "z": 0.0},
    )


RULES = {
    "adam": _adam(),
    "adam amsgrad": _adam(amsgrad=True),
    "adam adaptive epsilon": _adam(adaptive=True),
    "sgd": _sgd(0.0),
    "sgd momentum": _sgd(0.7),
    "sgd nesterov": _sgd(0.7, nesterov=True),
    "adagrad": Rule(
        lambda **more: optimizers.Adagrad(0.1, initial_accumulator_value=0.2, epsilon=1e-3, **more),
        oracles.adagrad(rate=0.1, epsilon=1e-3),
        {"n": 0.2},
    ),
    "ftrl": _ftrl(),
    "ftrl from zero": _ftrl(first=0.0),
    "ftrl all terms": _ftrl(l1=0.05, l2=0.1, shrinkage=0.02, beta=0.3),
    "ftrl power": _ftrl(power=-0.3, l1=0.01),
}


def expected(rule: Rule, start: np.ndarray, steps: list[tuple[list[int], np.ndarray]]) -> Any:
    """The table after the steps, by the oracle."""
    w = start.astype(np.float64)
    state = {name: np.full(w.shape, value) for name, value in rule.first.items()}
    for t, (ids, values) in enumerate(steps, start=1):
        rule.oracle(w, state, oracles.gradient_of_rows(ids, values), t)
    return w


def trained(
    optimizer: Any,
    start: np.ndarray,
    steps: list[tuple[list[int], np.ndarray]],
    *,
    dense: bool = False,
) -> np.ndarray:
    """The table after the steps, by an optimizer; `dense` gives it the same gradients dense."""
    table = tf.Variable(start, dtype=tf.float32)
    for ids, values in steps:
        gradient = tf.IndexedSlices(tf.constant(values, tf.float32), tf.constant(ids), start.shape)
        if dense:
            gradient = tf.convert_to_tensor(gradient)
        optimizer.apply_gradients([(gradient, table)])
    return np.asarray(table.numpy())
