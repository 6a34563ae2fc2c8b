"""How one file becomes training, validation and test part."""

from typing import Literal, Self

import pydantic

from pipelines.configuration.broken import broken
from pipelines.configuration.section import Section


class Split(Section):
    """How rows are dealt out to the parts where one file holds everything."""

    by: Literal["random", "time", "column", "group"] = "random"
    """`random`: each row by chance. `time`: oldest rows first. `column`: a column holds the name of
    the part. `group`: the last row of each group is tested, the one before validated (leave-last-
    out), the earlier ones trained on; last by `column`, or by the order of the rows."""
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Shares of training, validation and test part, for `random` and `time`. They sum to one."""
    seed: int = pydantic.Field(default=1, ge=0)
    """Decides `random`."""
    column: str | None = None
    """The time, a number (`time`, `group`), or the name of the part (`column`)."""

    @pydantic.model_validator(mode="after")
    def _whole(self) -> Self:
        if min(self.fractions) < 0 or self.fractions[0] <= 0:
            raise broken("fractions", "not be below 0, and above 0 for training")
        if abs(sum(self.fractions) - 1) > 1e-6:
            raise broken("fractions", "sum to one", "Give three shares, for example 0.8, 0.1, 0.1.")
        if self.by in ("time", "column") and self.column is None:
            raise broken(
                "column", f"be given with by = '{self.by}'", "Name the column to split by."
            )
        if self.by == "random" and self.column is not None:
            raise broken("column", "be left out with by = 'random'", "Say by = 'column', perhaps.")
        return self
