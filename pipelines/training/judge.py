"""Whether an epoch is the best so far, and what follows if it is not."""

import math
from collections.abc import Mapping
from typing import Any

from pipelines.configuration.training import Training
from pipelines.training.run_state import RunState


def judge(
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
