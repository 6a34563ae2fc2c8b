"""A configuration to the best of many trained models."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.files.write_text import write_text
from pipelines.runs.train_run import train_run
from pipelines.tuning.plot_trials import plot_trials
from pipelines.tuning.trial_record import TrialRecord
from pipelines.tuning.trials_table import trials_table
from pipelines.tuning.tune import tune


def tune_run(
    configuration: Configuration,
    out: Path,
    on_trial: Callable[[TrialRecord], None] | None = None,
) -> list[TrialRecord]:
    """Trains one configuration after the other, see `tune`, on examples that are prepared once.

    Args:
        configuration: With a section `tuning`.
        out: A folder: `data` for the examples; in `tuning` the best configuration as `best.json`,
            the trials as `trials.csv` and `trials.svg`, and the learning curve of each.
        on_trial: Called with each trial that ends.

    Returns:
        All trials.

    Raises:
        ValueError: As `tune`, and as `train_run` where every trial fails.
        ImportError: If Optuna or matplotlib is not installed.
    """
    folder, tuning = out / "tuning", configuration.tuning
    # Only the learning curve decides; intervals of each trial would take longer than its epochs.
    quick = configuration.evaluation.model_copy(update={"bootstrap": 0})

    def objective(
        made: Configuration, trial: Path, on_epoch: Callable[[Mapping[str, Any]], None]
    ) -> None:
        try:
            train_run(
                made.model_copy(update={"evaluation": quick}),
                trial,
                data=out / "data",
                on_epoch=on_epoch,
            )
        finally:
            _sweep(folder)

    found = tune(configuration, folder, objective, on_trial)
    write_text(folder / "trials.csv", trials_table(found, tuning.mode, "csv"))
    plot_trials(found, folder / "trials.svg", monitor=tuning.monitor, mode=tuning.mode)
    return found


def _sweep(folder: Path) -> None:
    """Drops checkpoints: those of every trial would fill the disk; `train` trains the best."""
    for checkpoints in folder.glob("trials/*/checkpoints"):
        shutil.rmtree(checkpoints, ignore_errors=True)
