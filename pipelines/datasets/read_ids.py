"""Integer features of a data set as arrays, with the labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipelines.datasets.read_examples import read_examples


def read_ids(
    files: Sequence[Path], names: Sequence[str], label: str
) -> tuple[NDArray[Any], dict[str, NDArray[np.int64]]]:
    """Reads what predictions are grouped and judged by, in the order of `read_examples`.

    Args:
        files: TFRecord files of `tf.Example`.
        names: Integer features with one value an example; without one it is 0.
        label: Name of the label.

    Returns:
        Labels `(examples,)` float32, and each feature `(examples,)` int64.

    Raises:
        ValueError: As `read_examples`.
    """
    spec = {name: tf.io.FixedLenFeature([], tf.int64, 0) for name in names}
    batches = list(read_examples(files, spec, label, 4096).as_numpy_iterator())
    ids = {name: np.concatenate([features[name] for features, _ in batches]) for name in names}
    return np.concatenate([labels for _, labels in batches])[:, 0], ids
