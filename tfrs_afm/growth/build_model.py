"""The variables of a model that was never called."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.parse_spec import parse_spec
from tfrs_afm.growth.parts import Parts


def build_model(model: Any, argument: str) -> None:
    """Makes the variables of a model, from an empty batch, if it has none yet.

    Args:
        model: A Keras model.
        argument: What it is called where it came in, for the message.

    Raises:
        ValueError: If it has no `columns` from which to tell what to call it on.
    """
    if not Parts.of(model).built and hasattr(model, "columns"):
        model(tf.io.parse_example(tf.zeros([0], tf.string), parse_spec(model.columns)))
    if not Parts.of(model).built:
        raise ValueError(
            f"`{argument}` must be built. Received: {argument}={model.name} without weights. Call "
            "it on a batch first."
        )
