"""A trained model whose probabilities are as often true as they say."""

import math
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.training import Training
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.runs.batches_of import BatchesOf
from pipelines.runs.label_means import mean_label, trained_rate
from pipelines.runs.predict_run import Predicted
from tfrs_afm.tasks.calibration import Isotonic, Scaling
from tfrs_afm.types import Model


def check_calibration(training: Training, spec: FeatureSpec) -> None:
    """Finds before training that a calibration cannot be made after it.

    Args:
        training: Its `calibration`, and what it is to undo.
        spec: The description of the examples.

    Raises:
        ValueError: If there is no validation split to fit it on, or nothing in the training split
            from which the true rate of label 1 could be known.
    """
    kind = training.calibration
    if kind in ("temperature", "isotonic") and "validation" not in spec.parts:
        raise ValueError(
            "`training.calibration` must have a validation split to be fitted on. Received: "
            f"{kind!r} and the splits {', '.join(spec.parts)}. Add `data.validation` or "
            "`data.split`, or take 'prior'."
        )
    part = spec.parts["train"]
    moved = training.class_weights is not None or training.negatives is not None
    if kind == "prior" and moved:
        zero, one = training.class_weights or (1.0, 1.0)
        if part.positives in (0, part.examples) or not zero or not one:
            raise ValueError(
                "`training.calibration` must have labels of both classes to go by, with weights "
                f"above 0. Received: 'prior' and {part.positives} positives of {part.examples} "
                f"examples, class_weights={[zero, one]}. Leave it out: such scores are an order."
            )


def calibrate(configuration: Configuration, model: Model, spec: FeatureSpec, folder: Path) -> None:
    """Calibrates a trained model as `training.calibration` says; see `tfrs_afm.tasks.calibration`.

    Args:
        configuration: Its sections `data` and `training`.
        model: With its final weights.
        spec: The description of the examples.
        folder: Their folder.

    Raises:
        ValueError: If the validation split holds labels of one class only.
    """
    kind = configuration.training.calibration
    if kind is None:
        return
    if kind == "prior":
        rate = mean_label(spec, folder)
        trained = trained_rate(configuration.training, rate)
        model.calibrate(Scaling(shift=0.0 if trained == rate else _logit(rate) - _logit(trained)))
        return
    batches = BatchesOf(configuration, spec, model.columns).part(folder, "validation")
    found = Predicted.of(model.logits, batches, [], labelled=True)
    labels: Any = found.labels  # asked for, and so there
    fit = Scaling.fit if kind == "temperature" else Isotonic.fit
    model.calibrate(fit(labels, found.predictions, found.weights))


def _logit(rate: float) -> float:
    return math.log(rate) - math.log1p(-rate)
