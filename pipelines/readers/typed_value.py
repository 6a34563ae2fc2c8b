"""One value of a row, as the type that a column asks for."""

import math
from typing import Any

_MAX_FLOAT32 = 3.4028235677973366e38  # from here on a float64 rounds to an infinite float32
_WORDS = {"int64": "a whole number", "float32": "a finite number", "string": "text"}


def typed_value(name: str, value: Any, dtype: str, *, from_text: bool = False) -> Any:
    """Checks a value or a list of values, and converts it where it stands as text.

    Args:
        name: Its feature, for an error.
        value: A number, a text, a list of these or None.
        dtype: `"int64"`, `"float32"` or `"string"`.
        from_text: Whether numbers stand as text, as in CSV. Otherwise text is no number.

    Returns:
        An int, float or str, a list of these, or None. A missing value of a list is left out.

    Raises:
        ValueError: If the value is no such thing, in the form that `BadRows.add` takes.

    Example:
        >>> typed_value("age", ["31", None], "int64", from_text=True)
        [31]
    """
    if value is None:
        return None
    if isinstance(value, list):
        kept = [one for one in value if one is not None]
        return [_one(name, one, dtype, from_text=from_text) for one in kept]
    return _one(name, value, dtype, from_text=from_text)


def _one(name: str, value: Any, dtype: str, *, from_text: bool) -> Any:
    try:
        if dtype == "string":
            if isinstance(value, str) and (value.isascii() or value.encode()):
                return value
        elif from_text:
            if "_" not in value:  # 1_000 is a number to Python only
                return _number(int(value) if dtype == "int64" else float(value), dtype)
        elif isinstance(value, int) or (dtype == "float32" and isinstance(value, float)):
            return _number(value, dtype)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"`{name}` must be {_WORDS[dtype]} ({dtype}). Received: {name}={value!r}")


def _number(value: Any, dtype: str) -> Any:
    if dtype == "int64":
        if -(2**63) <= value < 2**63:
            return int(value)
    elif math.isfinite(value) and abs(value) < _MAX_FLOAT32:
        return float(value)
    raise ValueError
