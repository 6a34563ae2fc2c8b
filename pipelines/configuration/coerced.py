"""Values that were taken for another type than they have in the file."""

from collections.abc import Iterator
from typing import Any

_RULES: dict[type, str] = {
    bool: "be true or false",
    int: "be a whole number, without quotes",
    float: "be a number, without quotes",
}


def coerced(content: Any, value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Finds text that became a number or a truth, and truths that became numbers.

    A configuration that is written in Python may be lax; in a file "3" is text.

    Args:
        content: What the file holds.
        value: The section, or part of one, that was made from it.
        path: Key path to `content`.

    Yields:
        The key path, the rule, and what the file holds.
    """
    if isinstance(content, dict):
        for key, inner in content.items():
            made = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
            yield from coerced(inner, made, f"{path}.{key}" if path else key)
    elif isinstance(content, list) and isinstance(value, tuple):
        for place, (inner, made) in enumerate(zip(content, value, strict=True)):
            yield from coerced(inner, made, f"{path}[{place}]")
    elif isinstance(value, bool | int | float) and (
        isinstance(content, str) or isinstance(content, bool) != isinstance(value, bool)
    ):
        yield path, _RULES[type(value)], content
