"""A configuration as text that loads as an equal one."""

import json

from pipelines.configuration.configuration import Configuration


def dump(configuration: Configuration) -> str:
    """Returns a configuration as JSON, defaults included.

    `load_configuration` reads it back, from any folder if paths are absolute, as those that it
    loaded from a file are.

    Args:
        configuration: Any.

    Returns:
        Indented JSON with a line end.
    """
    # Unlike pydantic's own text this keeps NaN, a number that is missing.
    return json.dumps(configuration.model_dump(mode="json"), indent=1) + "\n"
