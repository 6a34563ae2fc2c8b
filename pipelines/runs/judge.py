"""Predictions to metrics, beside the popularity of the item."""

import dataclasses
from typing import Any

from pipelines.baselines.popularity import Popularity
from pipelines.configuration.configuration import Configuration
from pipelines.evaluation.evaluate_predictions import evaluate_predictions
from pipelines.runs.predicted import Predicted


def judge(
    configuration: Configuration, predicted: Predicted, popularity: Popularity | None = None
) -> dict[str, dict[str, Any]]:
    """Returns the metrics of a model, and of the baseline.

    Args:
        configuration: Its sections `evaluation`, `task` and `data`.
        predicted: Predictions with labels.
        popularity: Of the items of the training part; None without that baseline.

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
