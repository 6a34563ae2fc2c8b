"""The settings of a source, checked."""

from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic

from pipelines.configuration.explained import explained
from pipelines.configuration.section import Section

_Settings = TypeVar("_Settings", bound=Section)


def settings_of(schema: type[_Settings], settings: Mapping[str, Any]) -> _Settings:
    """Checks `data.settings` by what a source declares.

    Args:
        schema: The settings that the source has.
        settings: What was given.

    Returns:
        The settings, with defaults.

    Raises:
        ValueError: If one is unknown or not as it must be; key, value and rule are named.
    """
    try:
        return schema.model_validate(dict(settings))
    except pydantic.ValidationError as error:
        raise ValueError(explained(error, dict(settings), schema, "data.settings")) from None
