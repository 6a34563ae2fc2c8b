"""The key `deep` of the model: a tower of hidden layers."""

from typing import Annotated

import pydantic

from pipelines.configuration.section import Section


class Deep(Section):
    """The arguments of `tfrs_afm.interactions.Deep`."""

    units: tuple[Annotated[int, pydantic.Field(gt=0)], ...] = pydantic.Field(
        default=(32,), min_length=1
    )
    """Widths of the hidden layers."""
    activation: str = "relu"
    """Activation of the hidden layers."""
    dropout: float = pydantic.Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer that training drops."""
    batch_norm: bool = False
    """Whether to normalise each hidden layer before its activation."""
    l2: float = pydantic.Field(default=0.0, ge=0)
    """L2 regularization of the kernels."""
