"""A model's predictions over a data set."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def predict(model: Any, data: Any) -> NDArray[np.float32]:
    """Predicts every example of a data set, in its order.

    Args:
        model: From a batch of features to `(batch, 1)` probabilities.
        data: Batches of `(features, labels)`.

    Returns:
        `(examples,)` probabilities.

    Raises:
        ValueError: If the data set is empty.
    """
    signature = [data.element_spec[0]]  # one trace, whatever the size of the last batch
    step = tf.function(lambda features: model(features, training=False), signature)
    found = [step(features).numpy().ravel() for features, _ in data]
    if not found:
        raise ValueError("`data` must not be empty. Received: no batches.")
    predictions: NDArray[np.float32] = np.concatenate(found)
    return predictions
