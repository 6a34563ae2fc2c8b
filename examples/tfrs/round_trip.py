"""From a trained model to answers out of a served one, and back: what the examples share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import serving
from tfrs_afm.types import Model


class RoundTrip(NamedTuple):
    """The answers of a model, of its copy from a file, and of its exported version.

    Each is `(batch,)`, or a dict of such by the name of the answer.
    """

    version: Path | str
    model: Any
    loaded: Any
    served: Any


def saved_and_loaded(model: Model, folder: Path) -> Model:
    """Writes the model into one file and reads that again."""
    model.save(folder / "model.keras")
    return tf.keras.models.load_model(folder / "model.keras")


def rows(features: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A batch as requests, a dict an example."""
    lists = {name: np.asarray(values).tolist() for name, values in features.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def round_trip(
    model: Model, features: Mapping[str, Any], folder: Path, **options: Any
) -> RoundTrip:
    """Saves, loads, exports and asks a trained model.

    Args:
        model: What answers with one number an example, or a dict of such, as it is served.
        features: A batch of what it reads.
        folder: Where the files go.
        **options: As `serving.export` takes them.
    """
    tensors = {name: tf.constant(values) for name, values in features.items()}
    loaded = saved_and_loaded(model, folder)
    version = serving.export(model, folder / "models", **options)
    with serving.Client(version) as client:  # answers in this process, by TensorFlow's C library
        served = client.predict(rows(features))
    answers = (tf.nest.map_structure(np.ravel, one(tensors)) for one in (model, loaded))
    return RoundTrip(version, *answers, served)
