"""The popularity of items in the prepared training part."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.baselines.popularity import Popularity
from pipelines.configuration.configuration import Configuration
from pipelines.preparation.feature_spec import FeatureSpec


def popularity_of(
    configuration: Configuration, spec: FeatureSpec, folder: Path
) -> Popularity | None:
    """Counts the items of the training part.

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
    dtype = tf.as_dtype(spec.features[name].dtype)
    missing: Any = b"" if dtype == tf.string else -1
    parsing = {
        name: tf.io.FixedLenFeature([], dtype, missing),
        spec.label: tf.io.FixedLenFeature([], tf.float32),
    }
    files = [str(path) for path in spec.files(folder, "train")]
    batches = list(
        tf.data.TFRecordDataset(files)
        .batch(8192)
        .map(lambda examples: tf.io.parse_example(examples, parsing))
        .as_numpy_iterator()
    )
    items = np.concatenate([batch[name] for batch in batches])
    if dtype == tf.string:
        items = np.asarray([item.decode() for item in items])
    return Popularity(items, np.concatenate([batch[spec.label] for batch in batches]))
