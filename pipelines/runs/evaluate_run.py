"""The model of a run to metrics, on any split or any files."""

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.evaluation.evaluate import evaluate_predictions
from pipelines.evaluation.feature_values import read_features
from pipelines.modelling.baselines import Popularity
from pipelines.modelling.build_model import load_model
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.runs.batches_of import BatchesOf, input_files
from pipelines.runs.predict_run import Predicted, scoring
from pipelines.runs.run_folder import RunFolder
from tfrs_afm.types import Model


def evaluate_run(
    configuration: Configuration,
    out: Path,
    part: str = "test",
    inputs: Sequence[str] = (),
    form: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Evaluates the model of a run, and writes `metrics.json` where a split was evaluated.

    Args:
        configuration: That of the run; its section `evaluation` may be another.
        out: The folder of the run.
        part: Of the prepared examples; not looked at with `inputs`.
        inputs: Paths or globs of files to evaluate it on instead, with labels.
        form: How they are written; by default what their ending says.

    Returns:
        Model or baseline -> metric -> `{value, low, high}`.

    Warns:
        UserWarning: If bad rows of files were skipped; it counts them and names the first.

    Raises:
        ValueError: If the folder is not that of a run, or a row is invalid.
    """
    folder = RunFolder(out)
    spec, prepared = folder.spec(), folder.data
    model = load_model(folder.checked_model())
    if not inputs:
        metrics = evaluate_splits(configuration, model, spec, prepared, [part])
        folder.write_metrics({**folder.metrics, **metrics})
        return metrics[part]
    files, found = input_files(inputs, form, configuration.data)
    item = configuration.evaluation.item
    wanted = (configuration.data.group, item)
    names = [name for name in dict.fromkeys(wanted) if name is not None]
    batches = BatchesOf(configuration, spec, model.columns).files(files, found, names)
    predicted = Predicted.of(model, batches, names, labelled=True)
    batches.bad_rows.require_few(len(predicted.predictions))
    if batches.bad_rows.count:
        warnings.warn(batches.bad_rows.report(), stacklevel=2)
    return metrics_of(configuration, predicted, popularity_of(configuration, spec, prepared))


def metrics_of(
    configuration: Configuration, predicted: Predicted, popularity: Popularity | None = None
) -> dict[str, dict[str, Any]]:
    """Returns the metrics of a model, and of the baseline.

    Args:
        configuration: Its sections `evaluation`, `task` and `data`.
        predicted: Predictions with labels.
        popularity: Of the items of the training split; None without that baseline.

    Returns:
        Model or baseline -> metric -> `{value, low, high}`.
    """
    data, evaluation = configuration.data, configuration.evaluation
    groups = None if data.group is None else predicted.column(data.group)
    scores: dict[str, Any] = {configuration.model.kind: predicted.predictions}
    if popularity is not None and evaluation.item is not None:
        scores["popularity"] = popularity.predict(predicted.column(evaluation.item))
    return {
        name: {
            metric: dataclasses.asdict(interval)
            for metric, interval in evaluate_predictions(
                [] if predicted.labels is None else predicted.labels,
                score,
                groups,
                predicted.weights,
                task=configuration.task.predicts,
                evaluation=evaluation,
            ).items()
        }
        for name, score in scores.items()
    }


def evaluate_splits(
    configuration: Configuration,
    model: Model,
    spec: FeatureSpec,
    prepared: Path,
    parts: Sequence[str],
) -> dict[str, Any]:
    """Evaluates a model on prepared splits.

    Args:
        configuration: Of the model.
        model: The model.
        spec: The description of the examples.
        prepared: Their folder.
        parts: Which splits.

    Returns:
        Split -> model or baseline -> metric -> `{value, low, high}`.
    """
    popularity = popularity_of(configuration, spec, prepared)
    batches = BatchesOf(configuration, spec, model.columns)
    data, item = configuration.data, configuration.evaluation.item
    names = [name for name in dict.fromkeys((data.group, item)) if name is not None]
    score = scoring(model)
    found = {}
    for part in parts:
        examples = batches.part(prepared, part, names)
        predicted = Predicted.of(score, examples, names, labelled=True)
        found[part] = metrics_of(configuration, predicted, popularity)
    return found


def popularity_of(
    configuration: Configuration, spec: FeatureSpec, folder: Path
) -> Popularity | None:
    """Counts the items of the training split.

    Args:
        configuration: `evaluation.item` names the item.
        spec: The description of the examples.
        folder: The folder of `prepare`.

    Returns:
        The baseline, or None where no item is named or labels are not 0 and 1.
    """
    name = configuration.evaluation.item
    if name is None or spec.parts["train"].positives is None:
        return None
    found = read_features(spec, folder, "train", [name, spec.label])
    return Popularity(found[name], found[spec.label])
