"""Trained models of MovieLens-100K, from their folder."""

from pathlib import Path
from typing import Any

from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.recipes.movielens_100k.build import build
from pipelines.recipes.movielens_100k.run import Run


def load(name: str, data: Path, run: Path) -> Any:
    """Returns a model with the weights that were best.

    Args:
        name: "afm", "deepfm" or "logistic_regression".
        data: The folder of `prepare` that the models were trained on.
        run: A folder of `train`.

    Returns:
        A compiled `tfrs.Model`.

    Raises:
        ValueError: If a folder is not what it must be, or the two do not belong together.
    """
    spec, trained = FeatureSpec.read(data), Run.read(run)
    if trained.examples != spec.key:
        raise ValueError(
            "`data` must hold the examples that the models were trained on. "
            f"Received: data={data}, which holds others. Prepare them again, or train again."
        )
    model = build(name, spec, trained.settings)
    model.load_weights(str(run / name / "checkpoint" / "weights")).expect_partial()
    return model
