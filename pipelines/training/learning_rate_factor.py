"""The part of a schedule that depends on the step."""

import math
from typing import Any

import tensorflow as tf

from pipelines.configuration.schedule import Schedule


def learning_rate_factor(schedule: Schedule, step: Any) -> Any:
    """Computes what the learning rate is multiplied with; the formulas are at `Schedule`.

    Args:
        schedule: Its form.
        step: `()` int, the steps done before this one.

    Returns:
        `()` float32.

    Example:
        >>> schedule = Schedule(kind="step", decay_steps=10)
        >>> round(float(learning_rate_factor(schedule, 25)), 4)
        0.01
    """
    # float64: a float32 step stands still after 16 million.
    step = tf.cast(step, tf.float64)
    factor = tf.constant(1.0, tf.float64)
    if schedule.decay_steps:
        share = tf.maximum(step - schedule.warmup_steps, 0.0) / schedule.decay_steps
        if schedule.kind == "cosine":
            factor = (1.0 + tf.cos(math.pi * tf.minimum(share, 1.0))) / 2.0
            factor = schedule.floor + (1.0 - schedule.floor) * factor
        else:
            share = tf.floor(share) if schedule.kind == "step" else share
            factor = tf.maximum(
                tf.pow(tf.cast(schedule.decay_rate, tf.float64), share), schedule.floor
            )
    if schedule.warmup_steps:
        rising = (step + 1.0) / schedule.warmup_steps
        factor = tf.where(step < schedule.warmup_steps, rising, factor)
    return tf.cast(factor, tf.float32)
