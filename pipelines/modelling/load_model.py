"""A trained model from its file."""

from pathlib import Path
from typing import Any

import tensorflow as tf

import tfrs_afm  # noqa: F401  registers the classes of the models
from pipelines.baselines.logistic_regression import LogisticRegression


def load_model(path: Path) -> Any:
    """Loads a model that `train` saved, the linear baseline included.

    Args:
        path: A `.keras` file.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: If there is no such file.
    """
    if not path.is_file():
        raise ValueError(
            f"`{path}` must be a trained model. Received: no such file. "
            "Make it with: python -m pipelines train"
        )
    own = {"LogisticRegression": LogisticRegression}
    return tf.keras.models.load_model(path, custom_objects=own, compile=False)
