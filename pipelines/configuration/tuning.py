"""What is tuned, by which metric, and for how long."""

from collections.abc import Mapping
from typing import Any, Literal

import pydantic

from pipelines.configuration.search_range import SearchRange
from pipelines.configuration.section import Section


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

    mode: Literal["min", "max"] = "min"
    """Whether a low or a high value of `monitor` is good."""

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
