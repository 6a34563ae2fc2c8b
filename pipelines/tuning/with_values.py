"""A configuration with some values changed."""

import json
from collections.abc import Mapping
from typing import Any

import pydantic

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.dump import dump
from pipelines.configuration.explained import explained
from pipelines.configuration.override import override


def with_values(configuration: Configuration, values: Mapping[str, Any]) -> Configuration:
    """Returns a copy with the value of each key path set, checked as a file is.

    Args:
        configuration: Any.
        values: Key path, as `training.optimizer.learning_rate` or `columns[0].dimension`, ->
            value.

    Raises:
        ValueError: If there is no such key, or the value is not allowed there.

    Example:
        >>> from pipelines.configuration.column import Column
        >>> from pipelines.configuration.data import Data
        >>> columns = [Column(kind="numeric_column", key="age")]
        >>> made = Configuration(data=Data(format="csv", train="a.csv"), columns=columns)
        >>> with_values(made, {"model.dropout": 0.25}).model.dropout
        0.25
    """
    content = json.loads(dump(configuration))
    for path, value in values.items():
        override(content, f"{path}={_toml(value)}")
    try:
        return Configuration.model_validate(content)
    except pydantic.ValidationError as error:
        raise ValueError(explained(error, content, Configuration, "tuning.space")) from None


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return json.dumps(value)
