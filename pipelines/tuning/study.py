"""Optuna's memory of all trials in one file, and what a trial was."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, Literal

from pipelines.configuration.tuning import Tuning

_NAME = "tuning"


def open_study(file: Path, tuning: Tuning) -> Any:
    """Opens the study in a file, or begins one.

    What a process that was killed leaves behind is put in order first: the half of a line it was
    writing, and its lock. So nobody else may have the study open.

    Args:
        file: The journal; made where it is missing.
        tuning: Direction and pruning.

    Returns:
        An `optuna.Study`, of which no trial is running: one that was cut off is a failure.

    Raises:
        ImportError: If Optuna is not installed.
        ValueError: If the journal was damaged; it names the file.
    """
    optuna = import_optuna()
    journal = optuna.storages.journal
    file.parent.mkdir(parents=True, exist_ok=True)
    _repair(file)
    begun = file.exists() and file.stat().st_size > 0
    try:
        storage = optuna.storages.JournalStorage(journal.JournalFileBackend(str(file)))
        usual = {"study_name": _NAME, "storage": storage, "pruner": _pruner(optuna, tuning)}
        if begun:
            study = optuna.load_study(**usual)
        else:
            direction = "minimize" if tuning.direction == "min" else "maximize"
            study = optuna.create_study(**usual, direction=direction)
        running = optuna.trial.TrialState.RUNNING
        for trial in study.get_trials(deepcopy=False, states=[running]):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        trial_records(study)
    except OSError:
        raise
    except Exception as error:  # Optuna trusts its lines; a damaged one fails in any way
        raise ValueError(
            f"`{file}` must be the journal that Optuna wrote. Received: lines that it cannot read "
            f"({type(error).__name__}: {error}). It was damaged since: copy it again, or take "
            "another folder."
        ) from error
    return study


def _repair(file: Path) -> None:
    lock = file.with_name(f"{file.name}.lock")
    lock.unlink(missing_ok=True)
    if not file.exists():
        return
    content = file.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(file, whole)


def _pruner(optuna: Any, tuning: Tuning) -> Any:
    pruners = optuna.pruners
    if tuning.pruning == "median":
        return pruners.MedianPruner(
            n_startup_trials=tuning.warm_up_trials, n_warmup_steps=tuning.warm_up_epochs
        )
    if tuning.pruning == "halving":
        return pruners.SuccessiveHalvingPruner(min_resource=max(1, tuning.warm_up_epochs))
    return pruners.NopPruner()


def import_optuna() -> Any:
    """Returns the package, with its notes of each trial switched off: we write our own.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            "optuna must be installed to tune. Run: pip install 'tfrs-afm[tune]'."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


@dataclasses.dataclass(frozen=True)
class TrialRecord:
    """What a trial set and what came of it.

    Attributes:
        number: Counted from 0; also the name of its folder.
        state: "complete"; "pruned", where it was ended early; "failed", where it raised an error.
        value: The best value of the monitored metric; None where it never had one.
        values: Key path -> value that the trial set.
        curve: The monitored metric after each epoch.
        error: The message of the error, empty without one.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    values: dict[str, Any]
    curve: tuple[float, ...] = ()
    error: str = ""


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
