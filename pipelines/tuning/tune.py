"""The search for a good configuration."""

import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pydantic

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.load_configuration import dump, override
from pipelines.configuration.section import explained
from pipelines.configuration.tuning import SearchRange, Tuning
from pipelines.files.atomic import damaged, read_json, write_text
from pipelines.runs.train_run import train_run
from pipelines.training.train import locked_folder
from pipelines.tuning.study import TrialRecord, import_optuna, open_study, trial_records
from pipelines.tuning.trials import plot_trials, trials_table

_SEEDS = 1_000_003


def tune(
    configuration: Configuration,
    folder: Path,
    objective: Callable[[Configuration, Path, Callable[[Mapping[str, Any]], None]], Any],
    on_trial: Callable[[TrialRecord], None] | None = None,
) -> list[TrialRecord]:
    """Tries configurations, ends hopeless ones early, and writes the best one to `best.json`.

    Each trial that ends is kept in `study.journal` at once. Called again with the same
    configuration, after the process was stopped at whatever moment, it goes on: the trials that
    had ended stay, the one that had not is done again with the same values, and what is tried
    next is what would have been tried. More `trials` may be asked for then.

    Args:
        configuration: What is tried is this, with the keys of `tuning.space` changed.
        folder: For `study.journal`, `configuration.json`, `best.json`, and a folder for each trial
            in `trials`.
        objective: Trains: called with the configuration, an empty folder, and a function that
            must be told the record of each epoch. That function ends the trial by an exception.
        on_trial: Called with each trial that ends.

    Returns:
        The trials that have ended, those of earlier calls included, by number.

    Raises:
        ValueError: If the space is empty or names a key that there is not, the folder holds another
            search or is in use, the monitored metric is in no record, or every trial failed.
        ImportError: If Optuna is not installed.
    """
    tuning = configuration.tuning
    _check_space(configuration, tuning)
    optuna = import_optuna()
    with locked_folder(folder):
        _check_folder(configuration, folder)
        study = open_study(folder / "study.journal", tuning)
        while len(trial_records(study)) < tuning.trials:
            # Of the number of ended trials, so that a search that was stopped goes on alike.
            ended = len(trial_records(study))
            study.sampler = _sampler(optuna, tuning, tuning.seed * _SEEDS + ended)
            trial = study.ask()
            _run(trial, study, configuration, folder / "trials" / str(trial.number), objective)
            if on_trial is not None:
                on_trial(trial_records(study)[-1])
        found = trial_records(study)
        complete = [one for one in found if one.state == "complete"]
        if not complete:
            raise ValueError(
                "`tuning.space` must hold a configuration that trains. Received: "
                f"{len(found)} trials that failed, the first with: {found[0].error}"
            )
        best = (min if tuning.direction == "min" else max)(
            complete, key=lambda one: one.value or 0.0
        )
        write_text(folder / "best.json", dump(with_values(configuration, best.values)))
        return found


class _NoSuchMetricError(Exception):
    pass


def _run(
    trial: Any, study: Any, configuration: Configuration, folder: Path, objective: Callable
) -> None:
    optuna = import_optuna()
    tuning = configuration.tuning
    states = optuna.trial.TrialState
    best: list[float] = []

    def on_epoch(record: Mapping[str, Any]) -> None:
        if tuning.monitor not in record:
            raise _NoSuchMetricError(
                f"`tuning.monitor` must be a metric of the learning curve. Received: "
                f"monitor={tuning.monitor!r}. It has {', '.join(record)}."
            )
        value = float(record[tuning.monitor])
        if math.isfinite(value):
            best.append(value)
            trial.report(value, len(best))
            if trial.should_prune():
                raise optuna.TrialPruned

    values = draw_values(trial, tuning.space)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        objective(with_values(configuration, values), folder, on_epoch)
        if not best:
            raise ValueError(f"`{tuning.monitor}` must be finite. Received: nan after each epoch.")
    except optuna.TrialPruned:
        study.tell(trial, state=states.PRUNED)
    except _NoSuchMetricError as error:  # all trials lack it
        raise ValueError(str(error)) from None
    except ValueError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=states.FAIL)
    else:
        study.tell(trial, (min if tuning.direction == "min" else max)(best))


def _sampler(optuna: Any, tuning: Tuning, seed: int) -> Any:
    if tuning.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed % 2**32)
    return optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=tuning.warm_up_trials)


def _check_space(configuration: Configuration, tuning: Tuning) -> None:
    if not tuning.space:
        raise ValueError(
            "`tuning.space` must name the keys to tune. Received: none. Add, for example, "
            "[tuning.space] and model.dropout = {low = 0.0, high = 0.5}."
        )
    # All at once: one key may be allowed by the choice of another only.
    with_values(
        configuration,
        {
            path: given.choices[0] if given.choices else given.low
            for path, given in tuning.space.items()
        },
    )


def _check_folder(configuration: Configuration, folder: Path) -> None:
    """Refuses to mix two searches, and notes what is searched."""
    file = folder / "configuration.json"
    text = dump(configuration)
    if file.exists():
        old, new = read_json(file), json.loads(text)
        if not isinstance(old.get("tuning"), dict):
            raise damaged(file, "one without the section tuning")
        for content in (old, new):
            content["tuning"].pop("trials", None)  # decides none of them
        changed = [section for section in new if new[section] != old.get(section)]
        if changed:
            raise ValueError(
                "`--out` must hold no other search; only the number of trials may change. Received:"
                f" {folder}, with another section {', '.join(changed)}. Take another folder."
            )
    write_text(file, text)


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
                data=None if configuration.data.prepared else out / "data",
                on_epoch=on_epoch,
            )
        finally:
            _sweep(folder)

    found = tune(configuration, folder, objective, on_trial)
    write_text(folder / "trials.csv", trials_table(found, tuning.direction, "csv"))
    plot_trials(found, folder / "trials.svg", monitor=tuning.monitor, mode=tuning.direction)
    return found


def _sweep(folder: Path) -> None:
    """Drops checkpoints: those of every trial would fill the disk; `train` trains the best."""
    for checkpoints in folder.glob("trials/*/checkpoints"):
        shutil.rmtree(checkpoints, ignore_errors=True)


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


def with_values(configuration: Configuration, values: Mapping[str, Any]) -> Configuration:
    """Returns a copy with the value of each key path set, checked as a file is.

    Args:
        configuration: Any.
        values: Key path, as `training.optimizer.learning_rate` or `columns[0].dimension`, ->
            value.

    Raises:
        ValueError: If there is no such key, or the value is not allowed there.

    Example:
        >>> from pipelines.configuration.column import Column
        >>> from pipelines.configuration.configuration import Data
        >>> columns = [Column(kind="numeric_column", key="age")]
        >>> made = Configuration(data=Data(format="csv", train="a.csv"), columns=columns)
        >>> with_values(made, {"model.dropout": 0.25}).model.dropout
        0.25
    """
    content = json.loads(dump(configuration))
    for path, value in values.items():
        override(content, f"{path}={_toml(value)}")
    try:
        return Configuration.model_validate(content)
    except pydantic.ValidationError as error:
        raise ValueError(explained(error, content, Configuration, "tuning.space")) from None


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return json.dumps(value)
