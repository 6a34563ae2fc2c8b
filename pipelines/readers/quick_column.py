"""Many values of one type as an array, without a look at each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def quick_column(flat: Sequence[Any], dtype: str, *, from_text: bool) -> NDArray[Any] | None:
    """Converts all values at once, or returns None where `typed_value` has to look at each.

    What it converts, `typed_value` would convert to the same.

    Args:
        flat: Numbers and texts.
        dtype: `"int64"`, `"float32"` or `"string"`.
        from_text: Whether numbers stand as text.

    Returns:
        `(values,)` of the dtype, strings as UTF-8 bytes; None if a value is of another type, out
        of range or not finite.

    Example:
        >>> quick_column(["1", "2"], "int64", from_text=True).tolist()
        [1, 2]
    """
    kinds = set(map(type, flat))
    try:
        if dtype == "string":
            if kinds <= {str}:
                return np.array([text.encode() for text in flat], object)
        elif from_text:
            if "_" not in "".join(flat):
                return _finite(list(map(int if dtype == "int64" else float, flat)), dtype)
        elif kinds <= ({int} if dtype == "int64" else {int, float}):
            return _finite(flat, dtype)
    except (ValueError, TypeError, OverflowError):
        pass
    return None


def _finite(flat: Sequence[Any], dtype: str) -> NDArray[Any] | None:
    if dtype == "int64":
        return np.array(flat, np.int64)
    with np.errstate(over="ignore"):
        array = np.array(flat, np.float64).astype(np.float32)
    return array if np.isfinite(array).all() else None
