"""A run folder to all that its report tells."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.configuration import Configuration
from pipelines.configuration.load_configuration import dump
from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.evaluate import Slice, activity, evaluate_slices
from pipelines.evaluation.feature_values import read_feature
from pipelines.files.atomic import damaged, parsed_json
from pipelines.modelling.build_model import load_model
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.reporting.contents import (
    BEFORE_CALIBRATION,
    Contents,
    EvaluatedModel,
    ExplainedExample,
    PartSummary,
    short_names,
)
from pipelines.reporting.examples import explain_rows, notable_rows
from pipelines.runs.batches_of import BatchesOf
from pipelines.runs.evaluate_run import popularity_of
from pipelines.runs.predict_run import Predicted
from pipelines.runs.run_folder import RunFolder
from tfrs_afm.types import Model

_EXPLAINED = 20_000  # examples that the pairs are averaged over
_RESAMPLES = 200  # of a slice: there are many of them


def gather_contents(
    configuration: Configuration, out: Path, part: str | None = None, beside: Sequence[Path] = ()
) -> Contents:
    """Reads what a run folder holds and computes what it does not.

    Args:
        configuration: That of the run; its section `evaluation` may be another.
        out: The folder of a run that is trained and evaluated.
        part: The split that curves, slices, pairs and examples are about. Default: test, or else
            validation.
        beside: Folders of other runs on the same examples, to compare with: a linear baseline,
            for instance.

    Returns:
        What to tell.

    Raises:
        ValueError: If a folder is not that of a run, it was not evaluated on the split, or a run
            beside it has other examples.
    """
    folder = RunFolder(out)
    spec = folder.spec()
    part = _evaluated_part(folder, spec, part)
    evaluation = configuration.evaluation
    named = (configuration.data.group, evaluation.user, evaluation.item, *evaluation.slices)
    names = [name for name in dict.fromkeys(named) if name is not None]
    model = load_model(folder.checked_model())
    batches = BatchesOf(configuration, spec, model.columns).part(folder.data, part, names)
    predicted = Predicted.of(model, batches, names, labelled=True)
    labels = predicted.labels
    if labels is None:
        raise ValueError(f"`{out}` must hold labelled examples. Received: none.")
    kind: str = configuration.model.kind
    metrics = {name: _intervals(models) for name, models in folder.metrics.items()}
    evaluated: dict[str, EvaluatedModel] = {
        kind: EvaluatedModel(
            predicted.predictions, _slices(configuration, spec, folder.data, predicted)
        )
    }
    if model.task.calibration is not None:
        before = Predicted.of(_uncalibrated(model), batches, names, labelled=True)
        evaluated[BEFORE_CALIBRATION] = EvaluatedModel(
            before.predictions, _slices(configuration, spec, folder.data, before)
        )
    for other in beside:
        name, scores = _beside(RunFolder(other), part, labels, evaluated)
        evaluated[name] = EvaluatedModel(scores)
        for evaluated_split, models in RunFolder(other).metrics.items():
            if evaluated_split in metrics:
                own = _intervals(models)
                metrics[evaluated_split][name] = own[RunFolder(other).configuration().model.kind]
    popularity = popularity_of(configuration, spec, folder.data)
    if popularity is not None and evaluation.item is not None:
        evaluated["popularity"] = EvaluatedModel(
            popularity.predict(predicted.column(evaluation.item))
        )
    binary = bool(np.isin(labels, (0, 1)).all())
    rows = notable_rows(labels, predicted.predictions, binary=binary)
    pairs, examples = _explained(kind, model, batches, rows)
    return Contents(
        title=out.absolute().name,
        model=kind,
        parts={name: _summary(spec, folder.data, name) for name in spec.parts},
        fields=[(", ".join(one.features), one.kind) for one in configuration.columns],
        history=_history(out / "history.jsonl"),
        best_epoch=folder.run.get("best_epoch"),
        metrics=metrics,
        part=part,
        labels=labels,
        weights=predicted.weights,
        binary=binary,
        probabilities=configuration.task.predicts == "binary",
        evaluated=evaluated,
        pairs=pairs,
        examples=examples,
        configuration=json.loads(dump(configuration)),
        versions=folder.run.get("versions", {}),
    )


def _uncalibrated(model: Model) -> Any:
    return lambda features, training: tf.sigmoid(model.logits(features, training=training))


def _evaluated_part(folder: RunFolder, spec: FeatureSpec, part: str | None) -> str:
    """The split to report; where none was asked for, that of which a run has most to say."""
    found = folder.metrics
    usual = [name for name in ("test", "validation", "train") if name in spec.parts]
    wanted = part or next((name for name in usual if name in found), usual[0])
    if wanted in found:
        return wanted
    fix = f"Run: python -m pipelines evaluate --out {folder.path} --split {wanted}"
    if wanted not in spec.parts:
        fix = f"Its splits are {', '.join(spec.parts)}."
    raise ValueError(
        f"`--split` must be evaluated before it is reported. Received: --split {wanted}, and "
        f"{', '.join(found) or 'none'} evaluated. {fix}"
    )


def _intervals(models: dict[str, Any]) -> dict[str, dict[str, Interval]]:
    return {
        model: {name: Interval(**interval) for name, interval in found.items()}
        for model, found in models.items()
    }


def _history(file: Path) -> list[dict[str, Any]]:
    records = [parsed_json(line, file) for line in file.read_bytes().splitlines()]
    if not records:
        raise damaged(file, "no epoch")
    for record in records:
        if not all(isinstance(record.get(key), int) for key in ("epoch", "step")):
            raise damaged(file, f"an epoch without its number or step: {record}")
    return records


def _summary(spec: FeatureSpec, folder: Path, part: str) -> PartSummary:
    found = spec.parts[part]
    mean = (
        float(read_feature(spec, folder, part, spec.label).mean())
        if found.positives is None
        else found.positives / found.examples
    )
    groups = None
    if spec.group is not None:
        groups = len(np.unique(read_feature(spec, folder, part, spec.group)))
    return PartSummary(found.examples, mean, groups)


def _slices(
    configuration: Configuration, spec: FeatureSpec, folder: Path, predicted: Predicted
) -> list[Slice]:
    evaluation, group = configuration.evaluation, configuration.data.group
    slices: dict[str, Sequence[Any]] = {}
    for title, name in (("user activity", evaluation.user), ("item popularity", evaluation.item)):
        if name is not None:
            training = read_feature(spec, folder, "train", name)
            slices[title] = activity(predicted.column(name), training)
    slices |= {name: predicted.values[name] for name in evaluation.slices}
    fewer = min(evaluation.bootstrap, _RESAMPLES)
    return evaluate_slices(
        slices,
        [] if predicted.labels is None else predicted.labels,
        predicted.predictions,
        None if group is None else predicted.column(group),
        predicted.weights,
        task=configuration.task.predicts,
        evaluation=evaluation.model_copy(update={"bootstrap": fewer}),
    )


def _beside(
    folder: RunFolder, part: str, labels: np.ndarray, known: dict[str, Any]
) -> tuple[str, np.ndarray]:
    configuration, model = folder.configuration(), load_model(folder.checked_model())
    batches = BatchesOf(configuration, folder.spec(), model.columns).part(folder.data, part)
    predicted = Predicted.of(model, batches, [], labelled=True)
    if predicted.labels is None or not np.array_equal(predicted.labels, labels):
        raise ValueError(
            f"`--beside` must be a run on the same examples. Received: --beside {folder.path}, "
            f"whose {part} split has other labels. Train it on the same data and split."
        )
    kind: str = configuration.model.kind
    return (kind if kind not in known else f"{kind} ({folder.path.name})"), predicted.predictions


def _explained(
    kind: str, model: Model, batches: Any, rows: list[tuple[int, str]]
) -> tuple[tfrs_afm.PairAverages | None, list[ExplainedExample]]:
    if kind == "logistic_regression":  # which has no pairs
        return None, []
    pairs = tfrs_afm.explain_dataset(model, _first(batches, _EXPLAINED))
    short = short_names(pairs.fields)
    named = dataclasses.replace(pairs, fields=[short[name] for name in pairs.fields])
    return named, explain_rows(model, batches, rows)


def _first(batches: Iterable[Any], examples: int) -> Iterator[Any]:
    """Yields batches until there are enough examples."""
    for batch in batches:
        yield batch
        examples -= int(batch[1].shape[0])
        if examples <= 0:
            return
