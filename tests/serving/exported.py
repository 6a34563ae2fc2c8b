"""Trained models that were exported once, for all tests."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import tfrs_afm


class Exported(NamedTuple):
    """A trained model, and where it was published; do not change the folder, copy it."""

    model: Any
    path: Path

    def answers(self, rows: list[Any]) -> np.ndarray:
        """What the model itself says about examples or their bytes."""
        spec = tfrs_afm.parse_spec(self.model.columns)
        serialized = [one if isinstance(one, bytes) else one.SerializeToString() for one in rows]
        return self.model(tf.io.parse_example(serialized, spec)).numpy()[:, 0]
