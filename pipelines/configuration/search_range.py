"""The values that tuning may give one key."""

from typing import Any

import pydantic

from pipelines.configuration.section import Section


class SearchRange(Section):
    """Numbers between two ends, or a list of choices.

    Two integers as ends give integers, otherwise floats.

    Raises:
        pydantic.ValidationError: If it is neither, or both, or `low` is not below `high`, or `log`
            comes with a step or from below 0.

    Example:
        >>> SearchRange(low=1e-4, high=1e-1, log=True).choices is None
        True
        >>> SearchRange(choices=["adam", "adagrad"]).choices
        ('adam', 'adagrad')
    """

    low: int | float | None = None
    """The smallest value."""

    high: int | float | None = None
    """The largest value."""

    log: bool = False
    """Draw orders of magnitude evenly, as for learning rates."""

    step: int | float | None = pydantic.Field(default=None, gt=0)
    """Only `low + n step`."""

    choices: tuple[Any, ...] | None = pydantic.Field(default=None, min_length=1)
    """The values themselves: words, numbers, booleans or lists."""

    @pydantic.model_validator(mode="after")
    def _one_kind(self) -> "SearchRange":
        ends = {"low": self.low, "high": self.high}
        if self.choices is not None:
            given = [name for name, value in ends.items() if value is not None]
            if given or self.log or self.step is not None:
                raise ValueError(
                    "`choices` must stand alone. Received: low, high, log or step as well. "
                    "Leave one of the two kinds out."
                )
            return self
        if self.low is None or self.high is None:
            raise ValueError(
                "`low` and `high` must both be given, or `choices`. "
                f"Received: low={self.low}, high={self.high}."
            )
        if self.low >= self.high:
            raise ValueError(
                f"`low` must be below `high`. Received: low={self.low}, high={self.high}."
            )
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError(
                "`log` must have a `low` above 0 and no `step`. "
                f"Received: low={self.low}, step={self.step}."
            )
        return self

    @property
    def whole(self) -> bool:
        """Whether the values are integers."""
        return all(isinstance(end, int) for end in (self.low, self.high, self.step or 1))
