"""The optimizer that a configuration describes."""

from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.configuration.optimizer import Optimizer

_NAMES = {"adam": "Adam", "adagrad": "Adagrad", "ftrl": "Ftrl", "sgd": "SGD"}


def make_optimizer(optimizer: Optimizer) -> Any:
    """Makes a fresh optimizer to compile a model with.

    Args:
        optimizer: What it is to be.

    Returns:
        One of `tfrs_afm.optimizers`, or of `tf.keras.optimizers` where it is not row-sparse.

    Raises:
        ValueError: If `optimizer.arguments` has a key that the optimizer does not know.

    Example:
        >>> make_optimizer(Optimizer(kind="sgd", learning_rate=0.5)).__class__.__module__
        'tfrs_afm.optimizers.sgd'
    """
    home = tfrs_afm.optimizers if optimizer.row_sparse else tf.keras.optimizers
    try:
        return getattr(home, _NAMES[optimizer.kind])(
            learning_rate=optimizer.learning_rate,
            weight_decay=optimizer.weight_decay or None,
            clipvalue=optimizer.clipvalue,
            clipnorm=optimizer.clipnorm,
            global_clipnorm=optimizer.global_clipnorm,
            **optimizer.arguments,
        )
    except TypeError as error:
        raise ValueError(
            f"`optimizer.arguments` must be arguments of {_NAMES[optimizer.kind]}. Received: "
            f"arguments={optimizer.arguments} ({error})."
        ) from error
