"""The type of a key that names files."""

from typing import Annotated, Any

import pydantic


def _as_tuple(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Files = Annotated[tuple[str, ...], pydantic.BeforeValidator(_as_tuple)]
"""One path or glob, or a list of them."""
