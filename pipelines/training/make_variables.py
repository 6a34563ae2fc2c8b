"""The variables of a model that no batch has gone through yet."""

from typing import Any

import tensorflow as tf

import tfrs_afm


def make_variables(model: Any, seed: int) -> None:
    """Makes the variables of a model over feature columns, from an empty batch.

    Args:
        model: A model with `columns`; nothing happens to one that is built.
        seed: Decides the variables' values.

    Raises:
        ValueError: If it is not built and has no columns.
    """
    if model.built:
        return
    if not hasattr(model, "columns"):
        raise ValueError(
            "`model` must have its variables. Received: a model that was never called. Call it on "
            "the features of a batch first."
        )
    tf.keras.utils.set_random_seed(seed)
    spec = tfrs_afm.parse_spec(model.columns)
    model(tf.io.parse_example(tf.zeros([0], tf.string), spec))
