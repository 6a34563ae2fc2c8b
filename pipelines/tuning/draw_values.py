"""A point of the search space."""

import json
from collections.abc import Mapping
from typing import Any

from pipelines.configuration.search_range import SearchRange


def draw_values(trial: Any, space: Mapping[str, SearchRange]) -> dict[str, Any]:
    """Lets a trial of Optuna choose a value for each key.

    Args:
        trial: An `optuna.Trial`.
        space: Key path -> range.

    Returns:
        Key path -> value.
    """
    values: dict[str, Any] = {}
    for path, given in space.items():
        if given.choices is not None:
            # As text, because a choice may be a list, which Optuna does not keep.
            texts = [json.dumps(choice) for choice in given.choices]
            values[path] = json.loads(trial.suggest_categorical(path, texts))
        elif given.whole:
            step = int(given.step or 1)
            values[path] = trial.suggest_int(path, given.low, given.high, step=step, log=given.log)
        else:
            values[path] = trial.suggest_float(
                path, given.low, given.high, step=given.step, log=given.log
            )
    return values
