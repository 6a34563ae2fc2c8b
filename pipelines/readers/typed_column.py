"""A feature of many rows as an array."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.readers.quick_column import quick_column
from pipelines.readers.typed_value import typed_value


def typed_column(
    name: str, values: Sequence[Any], dtype: str, *, from_text: bool = False
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Converts a feature of many rows; what it accepts is what `typed_value` accepts.

    Args:
        name: The feature.
        values: Its value in each row: a value, a list, or None.
        dtype: `"int64"`, `"float32"` or `"string"`.
        from_text: Whether numbers stand as text.

    Returns:
        All values one after the other, strings as UTF-8 bytes, and the number of each row's.

    Raises:
        ValueError: If a value is of another type.

    Example:
        >>> [part.tolist() for part in typed_column("n", [[1, 2], None, 3], "int64")]
        [[1, 2, 3], [2, 0, 1]]
    """
    lists = [v if type(v) is list else () if v is None else (v,) for v in values]
    flat = list(itertools.chain.from_iterable(lists))
    array = quick_column(flat, dtype, from_text=from_text)
    if array is None:
        # Missing values in lists, an odd type, or an error that is to be told well.
        lists = [typed_value(name, list(one), dtype, from_text=from_text) for one in lists]
        flat = list(itertools.chain.from_iterable(lists))
        if dtype == "string":
            flat = [text.encode() for text in flat]
        array = np.array(flat, object if dtype == "string" else dtype)
    return array, np.fromiter(map(len, lists), np.int64, len(lists))
