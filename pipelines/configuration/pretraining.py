"""What the embeddings learn before the model does."""

import pydantic

from pipelines.configuration.optimizer import Optimizer
from pipelines.configuration.section import Section


class Pretraining(Section):
    """Training of a factorization machine over the same columns; the model begins with its weights.

    The authors of AFM start from the vectors, linear weights and bias of such a machine, and report
    lower errors for it.
    Reference: Xiao et al. 2017, https://arxiv.org/abs/1708.04617, section 4.1.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> Pretraining(epochs=3).optimizer.kind
        'adam'
    """

    epochs: pydantic.PositiveInt = 10
    """Most passes over the training part."""

    optimizer: Optimizer = Optimizer()
    """How gradients become updates."""

    patience: pydantic.PositiveInt | None = None
    """Epochs in a row without a lower validation loss after which it ends. The best ones' weights
    are taken either way."""
