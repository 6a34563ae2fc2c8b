"""The running average of a model's weights."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from pipelines.configuration.training import EMA


class WeightAverage(tf.Module):
    """Keeps an average beside each weight, and puts it in the weight's place for a while.

    Args:
        weights: The variables to average.
        ema: How; the formula is there.
    """

    def __init__(self, weights: Sequence[Any], ema: EMA) -> None:
        super().__init__()
        self._weights = list(weights)
        self._ema = ema
        self.averages = [
            tf.Variable(weight, trainable=False, name="average") for weight in self._weights
        ]

    def update(self, step: Any) -> None:
        """Takes in the weights after a step; to be traced into the step's graph.

        Args:
            step: `()` int, the number of steps done.
        """
        if self._ema.every == 1:
            self._take_in()
        else:
            due = tf.equal(step % self._ema.every, 0)
            tf.cond(due, self._take_in, lambda: True)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Has the averages in the weights during the block, and the weights back after it."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def overwrite(self) -> None:
        """Puts the averages into the weights for good."""
        for weight, average in zip(self._weights, self.averages, strict=True):
            weight.assign(average)

    def restart(self) -> None:
        """Starts again from the current weights."""
        for weight, average in zip(self._weights, self.averages, strict=True):
            average.assign(weight)

    def _take_in(self) -> bool:
        share = 1.0 - self._ema.momentum**self._ema.every
        for weight, average in zip(self._weights, self.averages, strict=True):
            average.assign_add(tf.cast(share, average.dtype) * (weight - average))
        return True  # both branches of a condition must return alike

    def _swap(self) -> None:
        for weight, average in zip(self._weights, self.averages, strict=True):
            kept = tf.identity(weight)
            weight.assign(average)
            average.assign(kept)
