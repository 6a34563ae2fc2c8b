"""What a study has found so far."""

import json
from typing import Any, Literal

from pipelines.tuning.import_optuna import import_optuna
from pipelines.tuning.trial_record import TrialRecord


def trial_records(study: Any) -> list[TrialRecord]:
    """Returns the trials that have ended, by number, without those that a kill cut off.

    Args:
        study: An `optuna.Study`.
    """
    states = import_optuna().trial.TrialState
    names: dict[Any, Literal["complete", "pruned", "failed"]] = {
        states.COMPLETE: "complete",
        states.PRUNED: "pruned",
        states.FAIL: "failed",
    }
    best = min if study.direction.name == "MINIMIZE" else max
    found = []
    for trial in study.get_trials(deepcopy=False):
        error = trial.user_attrs.get("error", "")
        if trial.state not in names or (trial.state == states.FAIL and not error):
            continue
        curve = tuple(trial.intermediate_values[step] for step in sorted(trial.intermediate_values))
        found.append(
            TrialRecord(
                number=trial.number,
                state=names[trial.state],
                value=best(curve) if curve else None,
                values=_values(trial),
                curve=curve,
                error=error,
            )
        )
    return found


def _values(trial: Any) -> dict[str, Any]:
    # Choices are kept as text, see `draw_values`.
    return {
        path: json.loads(value) if isinstance(value, str) else value
        for path, value in trial.params.items()
    }
