"""A search over a function with a known best point. As a program it dies where it is told to.

Usage: python -m tests.pipelines.tuning.search FOLDER [TRIAL EPOCH]
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.configuration.column import Column
from pipelines.configuration.configuration import Configuration, Data
from pipelines.configuration.tuning import Tuning
from pipelines.tuning.study import TrialRecord
from pipelines.tuning.tune import tune

SPACE: dict[str, Any] = {
    "model.dropout": {"low": 0.0, "high": 0.9},
    "model.dim": {"choices": [4, 8, 16]},
    "training.epochs": {"low": 3, "high": 4},
}


def configuration(**tuning: Any) -> Configuration:
    columns = [Column(kind="numeric_column", key="age")]
    settings = {"space": SPACE, "trials": 8, "warm_up_trials": 3, **tuning}
    return Configuration(
        data=Data(format="csv", train="/data/a.csv"), columns=columns, tuning=Tuning(**settings)
    )


def objective(
    made: Configuration, folder: Path, on_epoch: Callable[[Mapping[str, Any]], None]
) -> None:
    """Best at a dropout of 0.3 and a dimension of 8; falls from epoch to epoch."""
    (folder / "was_here").write_text("")
    distance = (made.model.dropout - 0.3) ** 2 + (made.model.dim != 8) * 0.1
    for epoch in range(made.training.epochs):
        on_epoch({"epoch": epoch, "val_logloss": distance + 1 / (epoch + 1)})


def search(folder: Path, **tuning: Any) -> list[TrialRecord]:
    return tune(configuration(**tuning), folder, objective)


if __name__ == "__main__":
    place, trial, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

    def deadly(
        made: Configuration, folder: Path, on_epoch: Callable[[Mapping[str, Any]], None]
    ) -> None:
        def tell(record: Mapping[str, Any]) -> None:
            if folder.name == str(trial) and record["epoch"] == last:
                os.kill(os.getpid(), signal.SIGKILL)
            on_epoch(record)

        objective(made, folder, tell)

    tune(configuration(), place, deadly)
