"""How gradients become updates."""

from typing import Literal

import pydantic

from pipelines.configuration.section import Section


class Optimizer(Section):
    """The optimizer, its learning rate and what clips its gradients.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> Optimizer(kind="adagrad", learning_rate=0.05).row_sparse
        True
    """

    kind: Literal["adam", "adagrad", "ftrl", "sgd"] = "adam"
    """Which one."""

    learning_rate: pydantic.PositiveFloat = 0.001
    """Size of a step; a schedule multiplies it."""

    row_sparse: bool = True
    """Whether a step moves only the rows that its batch looked up (`tfrs_afm.optimizers`), or all
    rows, as tf_keras' own optimizers do: slower the larger the tables, but weight decay and
    momentum then reach rows that are seldom seen."""

    weight_decay: pydantic.NonNegativeFloat = 0.0
    """Share of a weight, times the learning rate, that each step takes off."""

    clipvalue: pydantic.PositiveFloat | None = None
    """Largest absolute value of an element of a gradient."""

    clipnorm: pydantic.PositiveFloat | None = None
    """Largest norm of the gradient of one variable."""

    global_clipnorm: pydantic.PositiveFloat | None = None
    """Largest norm of all gradients together."""

    arguments: dict[str, bool | float] = pydantic.Field(default_factory=dict)
    """Further arguments of the optimizer, for example `{beta_2 = 0.99}` for adam or
    `{momentum = 0.9}` for sgd."""

    @pydantic.model_validator(mode="after")
    def _one_clipping(self) -> "Optimizer":
        names = ("clipvalue", "clipnorm", "global_clipnorm")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(
                f"`optimizer` must clip gradients in one way. Received: {', '.join(given)}. "
                "Keep one of them."
            )
        return self
