"""The settings of a log of events from a file."""

import tomllib
from pathlib import Path

import pydantic

from pipelines.beam.event_settings import EventSettings
from pipelines.configuration.explained import explained


def load_event_settings(path: Path) -> EventSettings:
    """Reads and checks a TOML file.

    Args:
        path: The file. Its `files` are relative to its folder, but for those with a `scheme://`.

    Returns:
        The settings.

    Raises:
        ValueError: If the file is no TOML or something in it is not as it must be; the key, its
            value, the rule and the file are named.
        FileNotFoundError: If there is no such file.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"`{path}` must be TOML. Received: a file that is not: {error}. Put it right there."
        ) from error
    try:
        settings = EventSettings.model_validate(content)
    except pydantic.ValidationError as error:
        raise ValueError(explained(error, content, EventSettings, path.name)) from None
    folder = path.parent.absolute()
    files = tuple(file if "://" in file else str(folder / file) for file in settings.files)
    return settings.model_copy(update={"files": files})
