"""The update rules as their papers state them: float64, one number at a time."""

from collections.abc import Callable, Sequence

import numpy as np

State = dict[str, np.ndarray]
Step = Callable[[np.ndarray, State, dict[int, list[float]], int], None]


def gradient_of_rows(ids: Sequence[int], values: np.ndarray) -> dict[int, list[float]]:
    """Adds up what each row got."""
    rows: dict[int, list[float]] = {}
    for position, row in enumerate(ids):
        total = rows.setdefault(int(row), [0.0] * values.shape[1])
        for column in range(values.shape[1]):
            total[column] += float(values[position, column])
    return rows


def adam(
    *, rate: float, beta_1: float, beta_2: float, epsilon: float, amsgrad: bool, adaptive: bool
) -> Step:
    def step(w: np.ndarray, state: State, gradient: dict[int, list[float]], t: int) -> None:
        for row, values in gradient.items():
            for column, g in enumerate(values):
                at = row, column
                state["m"][at] = beta_1 * state["m"][at] + (1 - beta_1) * g
                state["v"][at] = beta_2 * state["v"][at] + (1 - beta_2) * g**2
                denominator = state["v"][at]
                if amsgrad:
                    state["vhat"][at] = max(state["vhat"][at], denominator)
                    denominator = state["vhat"][at]
                m_hat = state["m"][at] / (1 - beta_1**t)
                v_hat = denominator / (1 - beta_2**t)
                # The paper's epsilon is added to the root of v_hat, Keras' to the root of v.
                eps = epsilon if adaptive else epsilon / (1 - beta_2**t) ** 0.5
                w[at] -= rate * m_hat / (v_hat**0.5 + eps)

    return step


def sgd(*, rate: float, momentum: float, nesterov: bool) -> Step:
    def step(w: np.ndarray, state: State, gradient: dict[int, list[float]], t: int) -> None:
        for row, values in gradient.items():
            for column, g in enumerate(values):
                at = row, column
                state["m"][at] = momentum * state["m"][at] - rate * g
                ahead = momentum * state["m"][at] - rate * g
                w[at] += ahead if nesterov else state["m"][at]

    return step


def adagrad(*, rate: float, epsilon: float) -> Step:
    def step(w: np.ndarray, state: State, gradient: dict[int, list[float]], t: int) -> None:
        for row, values in gradient.items():
            for column, g in enumerate(values):
                at = row, column
                state["n"][at] += g**2
                w[at] -= rate * g / (state["n"][at] + epsilon) ** 0.5

    return step


def ftrl(*, rate: float, power: float, l1: float, l2: float, shrinkage: float, beta: float) -> Step:
    def step(w: np.ndarray, state: State, gradient: dict[int, list[float]], t: int) -> None:
        for row, values in gradient.items():
            for column, g in enumerate(values):
                at = row, column
                n = state["n"][at] + g**2
                sigma = (n ** (-power) - state["n"][at] ** (-power)) / rate
                z = state["z"][at] + g + 2 * shrinkage * w[at] - sigma * w[at]
                state["n"][at], state["z"][at] = n, z
                if abs(z) <= l1:
                    w[at] = 0.0
                else:
                    sign = 1.0 if z > 0 else -1.0
                    w[at] = (sign * l1 - z) / ((beta + n ** (-power)) / rate + 2 * l2)

    return step
