"""A configuration to a trained and evaluated model."""

import importlib.metadata
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.cluster.serve_task import serve_task
from pipelines.cluster.team import Team, strategy_of
from pipelines.configuration.configuration import Configuration
from pipelines.files.atomic import atomic_file, content_hash, file_sha256, write_text
from pipelines.fitting.fit import Fitted
from pipelines.modelling.build_model import build_model, require_memory
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.prepare import prepare
from pipelines.preparation.use_prepared import use_prepared
from pipelines.readers.examples import check_records, damage_named
from pipelines.runs.batches_of import BatchesOf
from pipelines.runs.calibrate import calibrate, check_calibration
from pipelines.runs.evaluate_run import evaluate_splits
from pipelines.runs.label_means import start_at_mean_label
from pipelines.runs.run_folder import RunFolder
from pipelines.sources.source import Source
from pipelines.training.checkpoints import History, restore_best
from pipelines.training.negatives import candidates_of
from pipelines.training.train import Trainer, train
from tfrs_afm._host import full_precision
from tfrs_afm.growth import carry_over
from tfrs_afm.types import Model

_PACKAGES = ("tfrs-afm", "tensorflow", "tf-keras", "tensorflow-recommenders", "numpy")


def train_run(
    configuration: Configuration,
    out: Path,
    *,
    resume: bool = False,
    data: Path | None = None,
    warm_start: Path | None = None,
    source: Source | None = None,
    trainer: Trainer = train,
    on_epoch: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Prepares the data, trains the model and evaluates it, or finds that all is done already.

    With `data.prepared` the examples of that folder are trained on as they are.

    Args:
        configuration: All its sections.
        out: The folder of the run: `configuration.json`, `data`, `checkpoints`, `logs`,
            `history.jsonl`, `model.keras` with the best weights, `metrics.json` and, last of all,
            `run.json`.
        resume: Whether to go on with a run that was stopped.
        data: A folder for the prepared examples that several runs share. Default: `out/data`.
        warm_start: The folder of a run whose model this one begins with, see
            `tfrs_afm.growth.carry_over`: rows of known ids, their optimizer slots and all weights
            that fit are carried over, however the vocabularies and columns have changed. What
            was, and what was not, is written to `out/carried_over.txt`.
        source: A reader of a raw data set of your own, see `prepare`.
        trainer: What trains. Default: the loop that goes on wherever it was stopped.
        on_epoch: Called with the record of each epoch.

    Returns:
        Split -> model or baseline -> metric -> `{value, low, high}`, for all splits but training.
        Of several processes the chief's alone has them.

    Raises:
        ValueError: If a row or a key of the configuration is invalid, or `out` holds another
            run.
        OSError: If the disk is full.
    """
    if serve_task(configuration.training):
        return _served(RunFolder(out))
    ready = configuration.data.prepared
    if ready is not None:
        if data is not None:
            raise ValueError(
                "`--data` must be left out with `data.prepared`. Received: --data "
                f"{data} and data.prepared={ready!r}. Keep one of the two."
            )
        configuration, _ = use_prepared(configuration)
        data = Path(ready)
    origin = _origin(warm_start, configuration)
    sharded = configuration.training.strategy == "parameter_server"
    if warm_start is not None and sharded and not any((out / "checkpoints").glob("step-*")):
        raise ValueError(
            "`--warm-start` must begin in one process. Received: --warm-start "
            f"{warm_start} with the strategy parameter_server and no checkpoint in {out}. Train "
            "an epoch with the strategy one, then go on here with --resume and the same words."
        )
    strategy = strategy_of(configuration.training)
    team = Team(strategy)
    folder, prepared = RunFolder(out), data or out / "data"
    done = False
    if team.is_chief:
        _check_folder(folder, configuration, resume=resume)
        if ready is None:
            keep = data is None and folder.has_begun
            key = prepare(configuration, prepared, replace=not keep, source=source).key
        else:
            key = FeatureSpec.read(prepared).key
        done = {"data": key, **origin}.items() <= folder.run.items()
        done = done and folder.configuration() == configuration
        if folder.has_begun and not resume and not done:
            raise ValueError(
                f"`--out` must not hold another run. Received: --out {out}, a run that has ended. "
                "Go on with it by --resume, evaluate it again by python -m pipelines evaluate, or "
                "take another folder."
            )
    if any(team.sums(int(done))):
        return folder.metrics if team.is_chief else {}
    spec = FeatureSpec.read(prepared)
    files = [path for part in spec.parts for path in spec.files(prepared, part)]
    for path in files:
        check_records(path)  # now, and not after the minutes that training takes
    check_calibration(configuration.training, spec)
    fitted = Fitted(spec.fitted, spec.values_of)
    require_memory(configuration, fitted)
    with strategy.scope():
        model = build_model(configuration, fitted)
        start_at_mean_label(configuration, model, spec, prepared)
        report = None
        if warm_start is not None and not sharded:  # shards have a checkpoint, which has it all
            report = carry_over(RunFolder(warm_start).checked_model(), model)
    if report is not None and team.is_chief:
        write_text(out / "carried_over.txt", f"{report}\n")
    batches = BatchesOf(configuration, spec, model.columns)
    validation = None
    if "validation" in spec.parts:
        validation = batches.part(prepared, "validation")(0, 0)
    negatives, candidates = configuration.training.negatives, None
    extras: list[str] = []
    if negatives is not None:
        extras = [negatives.item, *negatives.item_features]
        extras += [negatives.group] if negatives.group is not None else []
        candidates = candidates_of(negatives, batches.part(prepared, "train", extras))
    if team.is_chief:
        folder.write_configuration(configuration)
    with damage_named(files):
        history = trainer(
            model,
            batches.part(prepared, "train", extras, shuffled=True),
            validation,
            out,
            configuration.training,
            resume=resume,
            data={"key": spec.key, **origin},
            candidates=candidates,
            strategy=strategy,
            on_epoch=on_epoch,
        )
    metrics: dict[str, Any] = {}
    if team.is_chief:
        if strategy is not tf.distribute.get_strategy():
            # Variables of a strategy are read by all of its processes or by none.
            model = build_model(configuration, Fitted(spec.fitted, spec.values_of))
            restore_best(model, out)
        metrics = _finish(configuration, model, spec, prepared, folder, history, origin)
    team.sums(0)  # none may leave before the others are done
    return metrics


def _served(folder: RunFolder) -> dict[str, Any]:
    """Ends as a worker or a parameter server: well, if the chief got to the end."""
    if not folder.run:
        raise ConnectionError(
            f"The chief must be there until the run has ended. Received: --out {folder.path} of a "
            "run that has not. Start all processes again, with --resume."
        )
    return {}


def _finish(
    configuration: Configuration,
    model: Model,
    spec: FeatureSpec,
    prepared: Path,
    folder: RunFolder,
    history: History,
    origin: Mapping[str, Any],
) -> dict[str, Any]:
    """Calibrates, saves and evaluates a trained model."""
    parts = [part for part in spec.parts if part != "train"]
    with full_precision(model):  # half precision is for training
        calibrate(configuration, model, spec, prepared)
        with atomic_file(folder.model) as partial:
            model.save(partial)
        metrics = evaluate_splits(configuration, model, spec, prepared, parts)
    folder.write_metrics(metrics)
    folder.write_run(
        {
            "data": spec.key,
            **origin,
            # From here, so that a run can be moved, with what it shares or alone.
            "prepared": os.path.relpath(prepared, folder.path),
            "model": configuration.model.kind,
            "best_epoch": history.best_epoch,
            "ended_by": history.ended_by,
            "model_sha256": file_sha256(folder.model),
            "versions": {name: importlib.metadata.version(name) for name in _installed()},
        }
    )
    return metrics


def _origin(warm_start: Path | None, configuration: Configuration) -> dict[str, str]:
    """What tells a run that another one's model begins with from others."""
    if warm_start is None:
        return {}
    if configuration.training.pretraining is not None:
        raise ValueError(
            "`training.pretraining` must be left out with --warm-start. Received: both, and "
            "the vectors can begin in one way only. Leave one out."
        )
    trained = RunFolder(warm_start).model
    if not trained.is_file():
        raise ValueError(
            "`--warm-start` must be the folder of a run that has ended. Received: --warm-start "
            f"{warm_start}, which has no {trained.name}. End it with --resume, or take another."
        )
    return {"warm_start": content_hash([trained], {})}


def _check_folder(folder: RunFolder, configuration: Configuration, *, resume: bool) -> None:
    """Finds that a folder holds another run before anything in it is changed."""
    if not folder.has_begun:
        return
    known = folder.configuration()
    decisive = ("data", "columns", "model", "task")
    other = [name for name in decisive if getattr(known, name) != getattr(configuration, name)]
    was, wanted = known.training.deciding(), configuration.training.deciding()
    other += [f"training.{key}" for key in wanted if was[key] != wanted[key]]
    if other:
        raise ValueError(
            f"`--out` must not hold another run. Received: --out {folder.path}, whose `{other[0]}` "
            "is another. Take another folder, or the configuration of that run."
        )
    if not resume and not folder.run:
        raise ValueError(
            f"`--out` must not hold another run. Received: --out {folder.path}, a run that was "
            "stopped. Go on with it by --resume, or take another folder."
        )


def _installed() -> list[str]:
    known = {distribution.name for distribution in importlib.metadata.distributions()}
    return [name for name in _PACKAGES if name in known]
