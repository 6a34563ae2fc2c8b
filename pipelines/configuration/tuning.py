"""What is tuned, by which metric, and for how long."""

from collections.abc import Mapping
from typing import Any, Literal

import pydantic

from pipelines.configuration.evaluation import direction_of
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

    @pydantic.field_validator("choices", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """Takes a list, which is no tuple any more once `Tuning` has made its tables flat."""
        return tuple(value) if isinstance(value, list) else value

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


class Tuning(Section):
    """The search space over keys of the configuration, and how it is searched.

    Raises:
        pydantic.ValidationError: If a key has no range, or a number is outside of its range.

    Example:
        >>> tuning = Tuning(space={"model.dropout": {"low": 0.0, "high": 0.5}})
        >>> tuning.space["model.dropout"].high
        0.5
    """

    space: dict[str, SearchRange] = pydantic.Field(default_factory=dict)
    """Key path, as `training.optimizer.learning_rate`, -> `{low, high, log, step}` or
    `{choices}`. A path may be quoted or not: `"model.dropout" = ...` is `model.dropout = ...`."""

    trials: pydantic.PositiveInt = 20
    """How many configurations are tried in all, those of earlier runs included."""

    monitor: str = "val_logloss"
    """The metric of the learning curve that decides; its best epoch counts."""

    mode: Literal["min", "max"] | None = None
    """Whether a low or a high value of `monitor` is good. Left out: what its name says."""

    sampler: Literal["tpe", "random"] = "tpe"
    """How the next trial is chosen: from what earlier ones showed, or blindly."""

    pruning: Literal["median", "halving", "none"] = "median"
    """When a trial ends early: worse than the median of the others at the same epoch, or by
    successive halving, or never."""

    warm_up_epochs: pydantic.NonNegativeInt = 1
    """Epochs that no trial is denied."""

    warm_up_trials: pydantic.PositiveInt = 5
    """Trials at the start that are drawn blindly and never end early."""

    seed: pydantic.NonNegativeInt = 1
    """Decides what is tried."""

    @property
    def direction(self) -> Literal["min", "max"]:
        """Whether a low ("min") or a high ("max") value is good."""
        return self.mode or direction_of(self.monitor) or "min"

    @pydantic.model_validator(mode="after")
    def _known_direction(self) -> "Tuning":
        if self.mode is None and direction_of(self.monitor) is None:
            raise ValueError(
                "`mode` must be given for a metric whose name does not say whether less is "
                f"better. Received: monitor={self.monitor!r}. Add mode = 'min' or 'max'."
            )
        return self

    @pydantic.field_validator("space", mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        return dict(_leaves(value, "")) if isinstance(value, Mapping) else value


def _leaves(tree: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    """Returns (key path, range) of a table of tables, which is how TOML reads unquoted paths."""
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and not value.keys() & SearchRange.model_fields.keys():
            if not value:
                raise ValueError(
                    f"`space` must give every key low and high, or choices. Received: {path}={{}}."
                )
            found.extend(_leaves(value, f"{path}."))
        else:
            found.append((path, value))
    return found
