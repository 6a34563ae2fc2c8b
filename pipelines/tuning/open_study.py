"""Optuna's memory of all trials, in one file."""

import os
from pathlib import Path
from typing import Any

from pipelines.configuration.tuning import Tuning
from pipelines.tuning.import_optuna import import_optuna

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
    """
    optuna = import_optuna()
    journal = optuna.storages.journal
    file.parent.mkdir(parents=True, exist_ok=True)
    _repair(file)
    study = optuna.create_study(
        study_name=_NAME,
        storage=optuna.storages.JournalStorage(journal.JournalFileBackend(str(file))),
        direction="minimize" if tuning.mode == "min" else "maximize",
        pruner=_pruner(optuna, tuning),
        load_if_exists=True,
    )
    running = optuna.trial.TrialState.RUNNING
    for trial in study.get_trials(deepcopy=False, states=[running]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
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
