"""Columns of Arrow as arrays: what reading CSV and Parquet have in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.readers.csv_format import split_pair
from pipelines.readers.formats import FormatOptions
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
__all__ = ["flat_column", "flat_text", "is_list", "pa", "pa_csv", "pc", "pq"]

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
    cells: Any, dtype: str, options: FormatOptions, column: str, *, weights: bool = False
) -> tuple[Array, Array]:
    """Converts a column of text, numbers too, as `flat_column` does.

    What it converts, `typed_value` would convert to the same.

    Args:
        cells: An Arrow array of strings, none of them null.
        dtype: `"int64"`, `"float32"` or `"string"`.
        options: How the cells are written.
        column: Their column, which may hold lists or pairs.
        weights: Whether the weights of pairs are wanted, not the ids.

    Example:
        >>> options = FormatOptions("csv", lists={"tags": "|"})
        >>> column = flat_text(pa.array(["1|2", "", "3"]), "int64", options, "tags")
        >>> [part.tolist() for part in column]
        [[1, 2, 3], [2, 0, 1]]
    """
    missing, separator = options.missing, options.lists.get(column)
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
        if column in options.pairs:
            between = options.pairs[column]
            pairs = [split_pair(text, between)[weights] for text in kept.to_pylist()]
            kept = pa.array(pairs, pa.string())
    return _values(_parsed(kept, dtype, options.decimal), dtype), lengths


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


def _parsed(texts: Any, dtype: str, decimal: str) -> Any:
    """Reads numbers as `typed_value` does."""
    if dtype == "string":
        return texts
    if decimal != "." and len(texts) and not (_characters(texts) == ord(".")).any():
        texts, decimal = pc.replace_substring(texts, decimal, "."), "."
    characters = _characters(texts)
    if decimal == "." and dtype == "int64" and (characters == ord(".")).any():  # as pandas' 12.0
        texts = pc.replace_substring_regex(texts, r"^(-?[0-9]+)\.0*$", r"\1")
        characters = _characters(texts)
    if decimal == "." and _PLAIN[dtype][characters].all():
        return texts.cast(_TYPES[dtype])
    numbers = quick_column(texts.to_pylist(), dtype, decimal=decimal)
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
    if dtype == "string" and pa.types.is_binary(values.type):
        raise ValueError("Bytes that are no text are found row by row.")
    if dtype == "int64" and pa.types.is_floating(values.type):
        return _whole(_numpy(values))
    if dtype == "float32" and pa.types.is_decimal(values.type):
        values = pa.array(map(float, values.to_pylist()), pa.float64())  # Arrow's is not exact
    if dtype == "float32" and pa.types.is_floating(values.type):
        with np.errstate(over="ignore"):
            numbers = _numpy(values).astype(np.float32)
    else:
        kept = _numpy(values.cast(_TYPES[dtype]))
        numbers = kept.astype(np.float32) if dtype == "float32" else kept
    if dtype == "float32" and not np.isfinite(numbers).all():
        raise ValueError("A number that is not finite is found row by row.")
    return numbers


def _whole(numbers: Array) -> Array:
    numbers = numbers.astype(np.float64)
    if not ((np.abs(numbers) < 2**53) & (numbers == np.trunc(numbers))).all():
        raise ValueError("A number that is not whole is found row by row.")
    return numbers.astype(np.int64)


def _numpy(array: Any) -> Array:
    return np.asarray(array.to_numpy(zero_copy_only=False))
