"""Values of a format that knows lists only, as a row holds them."""

from typing import TypeVar

T = TypeVar("T")


def plain_value(values: list[T]) -> list[T] | T | None:
    """Returns None for no value, the value itself for one, and the list for more.

    Example:
        >>> plain_value([]), plain_value([7]), plain_value([7, 8])
        (None, 7, [7, 8])
    """
    return values if len(values) > 1 else values[0] if values else None
