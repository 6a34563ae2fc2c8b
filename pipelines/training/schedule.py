"""What changes as training goes on: learning rate, early stopping, class weights."""

import math
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from pipelines.configuration.training import Schedule, Training
from pipelines.training.checkpoints import RunState
from tfrs_afm.types import Dataset


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


def is_best_epoch(
    state: RunState, record: Mapping[str, Any], training: Training, rate: float | None
) -> bool:
    """Takes the monitored metric of an epoch into the state of a run.

    Where it is not better for long enough, the learning rate falls: `state.learning_rate_scale`.

    Args:
        state: The state at the end of the epoch, before the next is counted.
        record: The metrics of the epoch. Without the monitored one each epoch is the best.
        training: What is monitored, and when the learning rate falls.
        rate: The full learning rate; None where it does not fall.

    Returns:
        Whether the epoch is the best so far. One whose metric is not a finite number never is.
    """
    stopping, schedule = training.early_stopping, training.schedule
    value = record.get(stopping.monitor)
    sign = 1.0 if stopping.direction == "min" else -1.0
    if value is None or (
        math.isfinite(value)
        and (state.best is None or sign * value < sign * state.best - stopping.min_delta)
    ):
        state.best, state.best_epoch, state.best_step = value, state.epoch, state.step
        state.epochs_without_better = state.epochs_on_plateau = 0
        return True
    state.epochs_without_better += 1
    state.epochs_on_plateau += 1
    patience = schedule.plateau_patience
    if rate is not None and patience is not None and state.epochs_on_plateau >= patience:
        lower = max(
            state.learning_rate_scale * schedule.plateau_factor, schedule.plateau_floor / rate
        )
        state.learning_rate_scale = min(state.learning_rate_scale, lower)
        state.epochs_on_plateau = 0
    return False


def weigh_classes(dataset: Dataset, weights: tuple[float, ...]) -> Any:
    """Multiplies the sample weights of a data set with a weight for each class.

    Args:
        dataset: Of `(features, labels)` or `(features, labels, sample_weight)`, labels
            `(batch, 1)`.
        weights: For labels up to 0, and for those above.

    Returns:
        A `tf.data.Dataset` of `(features, labels, sample_weight (batch, 1) float32)`.

    Example:
        >>> examples = tf.data.Dataset.from_tensors(({}, tf.constant([[1.0], [0.0]])))
        >>> next(iter(weigh_classes(examples, (1.0, 3.0))))[2].numpy().tolist()
        [[3.0], [1.0]]
    """
    negative, positive = weights

    def weigh(features: Any, labels: Any, sample_weight: Any = 1.0) -> tuple[Any, Any, Any]:
        by_class = tf.where(labels > 0, tf.constant(positive), tf.constant(negative))
        return features, labels, by_class * tf.cast(sample_weight, tf.float32)

    return dataset.map(weigh)
