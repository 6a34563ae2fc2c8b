"""One feature of a prepared part."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipelines.preparation.feature_spec import FeatureSpec


def read_feature(spec: FeatureSpec, folder: Path, part: str, name: str) -> NDArray[Any]:
    """Returns the values of a feature with one value an example, without parsing any other.

    Args:
        spec: The description of the examples.
        folder: Their folder.
        part: Which part.
        name: The feature, or the label.

    Returns:
        `(examples,)`, words as `str`; a missing value is "" or -1.
    """
    dtype = tf.as_dtype(spec.features[name].dtype)
    missing: Any = b"" if dtype == tf.string else -1
    parsing = {name: tf.io.FixedLenFeature([], dtype, missing)}
    files = [str(path) for path in spec.files(folder, part)]
    batches = tf.data.TFRecordDataset(files).batch(8192)
    values = np.concatenate(
        [
            values[name]
            for values in batches.map(
                lambda examples: tf.io.parse_example(examples, parsing)
            ).as_numpy_iterator()
        ]
    )
    return np.asarray([one.decode() for one in values]) if dtype == tf.string else values
