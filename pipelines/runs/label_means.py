"""What is known of the labels before training: their mean, and what training makes of it."""

import math
from pathlib import Path

import numpy as np

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.training import Training
from pipelines.evaluation.feature_values import read_features
from pipelines.preparation.feature_spec import FeatureSpec
from tfrs_afm.types import Model


def mean_label(spec: FeatureSpec, folder: Path) -> float:
    """Returns the mean label of the training split, by the weights of its examples.

    Args:
        spec: The description of the examples.
        folder: Their folder.

    Returns:
        The mean; NaN where nothing weighs anything.
    """
    part = spec.parts["train"]
    if spec.weight is None and part.positives is not None:
        return part.positives / part.examples
    names = [spec.label] if spec.weight is None else [spec.label, spec.weight]
    found = read_features(spec, folder, "train", names)
    labels = found[spec.label].astype(np.float64)
    weights = np.ones_like(labels) if spec.weight is None else found[spec.weight]
    counts = weights != 0  # the label of a row without weight may be missing
    total = weights[counts].sum(dtype=np.float64)
    return float((labels * weights)[counts].sum() / total) if total else math.nan


def start_at_mean_label(
    configuration: Configuration, model: Model, spec: FeatureSpec, folder: Path
) -> None:
    """Starts w0 where `training.bias_start` says.

    Args:
        configuration: Its sections `training` and `task`.
        model: Fresh, with its variables made.
        spec: The description of the examples.
        folder: Their folder.
    """
    training, predicts = configuration.training, configuration.task.predicts
    if training.bias_start == "zero" or predicts == "ranking":
        return
    mean = mean_label(spec, folder)
    if predicts == "binary":
        mean = trained_rate(training, mean)
        if not 0 < mean < 1:
            return
    if math.isfinite(mean):
        model.task.start_at_mean(mean)


def trained_rate(training: Training, rate: float) -> float:
    """Returns the share of label 1 in what is trained on, made-up negatives and weights included.

    Args:
        training: Its `class_weights` and `negatives`.
        rate: The share in the training split.

    Example:
        >>> from pipelines.configuration.training import Negatives
        >>> trained_rate(Training(negatives=Negatives(item="film", per_positive=4)), 1.0)
        0.2
    """
    zero, one = training.class_weights or (1.0, 1.0)
    made_up = 0 if training.negatives is None else training.negatives.per_positive * rate
    negatives, positives = zero * (1 - rate + made_up), one * rate
    return positives / (negatives + positives) if negatives + positives else math.nan
