"""A configuration to a trained and judged model."""

import importlib.metadata
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.modelling.build_model import build_model
from pipelines.modelling.fitted import Fitted
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.prepare import prepare
from pipelines.runs.batches_of import BatchesOf
from pipelines.runs.judge import judge
from pipelines.runs.popularity_of import popularity_of
from pipelines.runs.predicted import Predicted
from pipelines.runs.run_folder import RunFolder
from pipelines.training.train import train

_PACKAGES = ("tfrs-afm", "tensorflow", "tf-keras", "tensorflow-recommenders", "numpy")


def train_run(
    configuration: Configuration,
    out: Path,
    *,
    resume: bool = False,
    data: Path | None = None,
    on_epoch: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Prepares the data, trains the model and judges it, or finds that all this is done already.

    Args:
        configuration: All its sections.
        out: The folder of the run: `configuration.json`, `data`, `checkpoints`, `logs`,
            `history.jsonl`, `model.keras` with the best weights, `metrics.json` and, last of all,
            `run.json`.
        resume: Whether to go on with a run that was stopped.
        data: A folder for the prepared examples that several runs share. Default: `out/data`.
        on_epoch: Called with the record of each epoch.

    Returns:
        Part -> model or baseline -> metric -> `{value, low, high}`, for all parts but training.

    Raises:
        ValueError: If the data or the configuration is not as it must be, or `out` holds another
            run.
        OSError: If the disk is full.
    """
    folder = RunFolder(out)
    _check_folder(folder, configuration, resume=resume)
    prepared = data or out / "data"
    spec = prepare(configuration, prepared)
    if folder.run.get("data") == spec.key and folder.configuration() == configuration:
        return folder.metrics
    model = build_model(configuration, Fitted(spec.fitted))
    batches = BatchesOf(configuration, spec, model.columns)
    validation = None
    if "validation" in spec.parts:
        validation = batches.part(prepared, "validation")(0, 0)
    folder.write_configuration(configuration)
    history = train(
        model,
        batches.part(prepared, "train", shuffled=True),
        validation,
        out,
        configuration.training,
        resume=resume,
        data={"key": spec.key},
        on_epoch=on_epoch,
    )
    _save(model, folder.model)
    parts = [part for part in spec.parts if part != "train"]
    metrics = judged_parts(configuration, model, spec, prepared, parts)
    folder.write_metrics(metrics)
    folder.write_run(
        {
            "data": spec.key,
            "prepared": str(prepared.absolute()),
            "model": configuration.model.kind,
            "best_epoch": history.best_epoch,
            "ended_by": history.ended_by,
            "versions": {name: importlib.metadata.version(name) for name in _installed()},
        }
    )
    return metrics


def _check_folder(folder: RunFolder, configuration: Configuration, *, resume: bool) -> None:
    """Finds that a folder holds another run before anything in it is changed."""
    if not (folder.path / "checkpoints").is_dir():
        return
    known = folder.configuration()
    decisive = ("data", "columns", "model", "task")
    other = [name for name in decisive if getattr(known, name) != getattr(configuration, name)]
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


def judged_parts(
    configuration: Configuration,
    model: Any,
    spec: FeatureSpec,
    prepared: Path,
    parts: Sequence[str],
) -> dict[str, Any]:
    """Judges a model on prepared parts.

    Args:
        configuration: Of the model.
        model: The model.
        spec: The description of the examples.
        prepared: Their folder.
        parts: Which parts.

    Returns:
        Part -> model or baseline -> metric -> `{value, low, high}`.
    """
    popularity = popularity_of(configuration, spec, prepared)
    batches = BatchesOf(configuration, spec, model.columns)
    data, item = configuration.data, configuration.evaluation.item
    names = [name for name in dict.fromkeys((data.group, item)) if name is not None]
    found = {}
    for part in parts:
        examples = batches.part(prepared, part, names)(0, 0)
        predicted = Predicted.of(model, examples, names, labelled=True)
        found[part] = judge(configuration, predicted, popularity)
    return found


def _save(model: Any, path: Path) -> None:
    """Saves a model whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=".model.", dir=path.parent) as partial:
        file = Path(partial) / path.name
        model.save(file)
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(path)


def _installed() -> list[str]:
    known = {distribution.name for distribution in importlib.metadata.distributions()}
    return [name for name in _PACKAGES if name in known]
