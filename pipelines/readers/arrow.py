"""Columns of Arrow as arrays: what reading CSV and Parquet have in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.readers.values import quick_column

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq
except ImportError as error:
    raise ImportError(
        "pyarrow must be installed to read CSV and Parquet. Run: pip install 'tfrs-afm[pipelines]'."
    ) from error

# The modules as well: whoever takes them from here has the error above where there is no pyarrow.
__all__ = ["flat_column", "flat_text", "is_list", "pa", "pa_csv", "pq"]

Array = NDArray[Any]

_TYPES = {"int64": pa.int64(), "float32": pa.float64(), "string": pa.binary()}


def flat_column(array: Any, dtype: str) -> tuple[Array, Array]:
    """Converts a column of numbers or text, or of lists of these.

    Args:
        array: An Arrow array; null is a value that is missing.
        dtype: `"int64"`, `"float32"` or `"string"`.

    Returns:
        The values of all rows one after the other, strings as UTF-8 bytes, and the number of each
        row's.

    Raises:
        ValueError: If a value is of another type, out of range, not finite, or missing in a list.

    Example:
        >>> [part.tolist() for part in flat_column(pa.array([[1, 2], None, [3]]), "int64")]
        [[1, 2, 3], [2, 0, 1]]
    """
    if is_list(array.type):
        lengths = pc.fill_null(pc.list_value_length(array), 0)
        values = array.flatten()
        if values.null_count:
            raise ValueError("A list with holes is read row by row.")
    else:
        lengths = array.is_valid()
        values = array.drop_null() if array.null_count else array
    return _values(values, dtype), _numpy(lengths.cast(pa.int64()))


def flat_text(
    cells: Any, dtype: str, missing: Sequence[str], separator: str | None = None
) -> tuple[Array, Array]:
    """Converts a column of text, numbers too, as `flat_column` does.

    What it converts, `typed_value` would convert to the same.

    Args:
        cells: An Arrow array of strings, none of them null.
        dtype: `"int64"`, `"float32"` or `"string"`.
        missing: Cells, or values in a cell's list, that mean that there is no value.
        separator: What separates the values of a cell's list; None where cells hold one value.

    Example:
        >>> column = flat_text(pa.array(["1|2", "", "3"]), "int64", [""], "|")
        >>> [part.tolist() for part in column]
        [[1, 2, 3], [2, 0, 1]]
    """
    there = _there(cells, missing)
    lengths = there.astype(np.int64)
    kept = cells if there.all() else cells.filter(pa.array(there))
    if separator is not None:
        lists = pc.split_pattern(kept, separator)
        counts = _numpy(pc.list_value_length(lists)).astype(np.int64)
        kept = lists.flatten()
        there_inside = _there(kept, missing)
        if not there_inside.all():
            row = np.repeat(np.arange(len(counts)), counts)
            counts = np.bincount(row[there_inside], minlength=len(counts))
            kept = kept.filter(pa.array(there_inside))
        lengths[there] = counts
    return _values(_parsed(kept, dtype), dtype), lengths


def is_list(kind: Any) -> bool:
    """Tells whether an Arrow type is one of lists."""
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _there(cells: Any, missing: Sequence[str]) -> Array:
    if len(missing) == 1:
        return _numpy(pc.not_equal(cells, pa.scalar(missing[0], pa.string())))
    return ~_numpy(pc.is_in(cells, pa.array(missing, pa.string())))


# Arrow reads hexadecimal numbers and infinities, and Python a plus sign, spaces and the digits of
# any script. Of these characters alone both make the same, or Arrow makes nothing.
_PLAIN = {
    dtype: np.isin(np.arange(256), list(characters))
    for dtype, characters in {"int64": b"-0123456789", "float32": b"-.+eE0123456789"}.items()
}


def _parsed(texts: Any, dtype: str) -> Any:
    """Reads numbers as `int` and `float` do."""
    if dtype == "string":
        return texts
    if _PLAIN[dtype][_characters(texts)].all():
        return texts.cast(_TYPES[dtype])
    numbers = quick_column(texts.to_pylist(), dtype, from_text=True)
    if numbers is None:
        raise ValueError("A text that is no number is found row by row.")
    return pa.array(numbers)


def _characters(texts: Any) -> Array:
    """The bytes of all strings of an array."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return np.empty(0, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[texts.offset :]
    return np.frombuffer(data, np.uint8)[ends[0] : ends[len(texts)]]


def _values(values: Any, dtype: str) -> Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if dtype == "float32" and pa.types.is_floating(values.type):
        with np.errstate(over="ignore"):
            numbers = _numpy(values).astype(np.float32)
    else:
        kept = _numpy(values.cast(_TYPES[dtype]))
        numbers = kept.astype(np.float32) if dtype == "float32" else kept
    if dtype == "float32" and not np.isfinite(numbers).all():
        raise ValueError("A number that is not finite is found row by row.")
    return numbers


def _numpy(array: Any) -> Array:
    return np.asarray(array.to_numpy(zero_copy_only=False))
