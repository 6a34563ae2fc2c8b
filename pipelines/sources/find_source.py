"""A raw data set by its name."""

import importlib
import pkgutil

import pipelines.sources
from pipelines.sources.source import Source

_NOT_SOURCES = ("find_source", "source")


def find_source(name: str) -> Source:
    """Returns the function that reads a raw data set.

    The data set "movielens-1m" is read by `movielens_1m` in `pipelines/sources/movielens_1m.py`,
    or in a package of that name; what only helps such a file begins with an underscore.

    Args:
        name: `data.source` of a configuration.

    Returns:
        Its function, see `Source`.

    Raises:
        ValueError: If there is none of that name.
    """
    modules = [
        module.name
        for module in pkgutil.iter_modules(pipelines.sources.__path__)
        if module.name not in _NOT_SOURCES and not module.name.startswith("_")
    ]
    wanted = name.replace("-", "_")
    if wanted not in modules:
        known = ", ".join(sorted(module.replace("_", "-") for module in modules))
        raise ValueError(f"`data.source` must be one of {known}. Received: data.source={name!r}.")
    source: Source = getattr(importlib.import_module(f"pipelines.sources.{wanted}"), wanted)
    return source
