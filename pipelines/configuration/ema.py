"""The running average of the weights."""

import pydantic

from pipelines.configuration.section import Section


class EMA(Section):
    """An exponential moving average of the trainable weights, which is judged and kept as best.

        average <- average + (1 - momentum^every) (weights - average)       after each `every` steps
    It starts at the first weights. It is the same for every optimizer, row-sparse ones included:
    a row that no batch looks up still comes closer to its last value. One update reads and writes
    all tables, so with large ones `every` should be some tens of steps.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> EMA(momentum=0.99, every=10).overwrite
        False
    """

    momentum: float = pydantic.Field(default=0.999, gt=0, lt=1)
    """Share of the old average that one step leaves."""

    every: pydantic.PositiveInt = 1
    """Steps between two updates, each then worth that many."""

    overwrite: bool = False
    """Whether the average takes the place of the weights after each epoch, and training goes on
    from it."""
