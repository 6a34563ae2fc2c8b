"""One value of a row, as the type that a column asks for."""

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipelines.readers.bad_rows import InvalidRow
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.times import Nanoseconds, exact_time

_MAX_FLOAT32 = 3.4028235677973366e38  # from here on a float64 rounds to an infinite float32
_MISSING = {"", "-", ".", "?", "#n/a", "\\n", "n/a", "na", "nan", "nil", "none", "null"}
"""How tables often write that there is no value, lower-case."""
_WORDS = {
    "int64": "a whole number (int64)",
    "float32": "a finite number (float32)",
    "string": "text (string)",
    "time": "a number, or a time of ISO 8601 from 1678 to 2261",
}
_MAX_FLOAT_ID = 2**53  # from here on a float64 does not tell a whole number from the next


class PathText(str):
    """A value that stands in the path of a file, where numbers are text whatever the format."""

    __slots__ = ()


def typed_value(name: str, value: Any, dtype: str, *, decimal: str | None = None) -> Any:
    """Checks a value or a list of values, and converts it where it stands as text.

    Args:
        name: Its feature, for an error.
        value: A number, a text, a list of these or None.
        dtype: `"int64"`, `"float32"` or `"string"`; or `"time"`: a number as it is, whatever it
            counts, or of a time in ISO 8601 the `Nanoseconds`.
        decimal: The decimal mark of numbers that stand as text, as in CSV. Otherwise text is no
            number.

    Returns:
        An int, float or str, a list of these, or None. A missing value of a list is left out. NaN
        is a missing value where numbers do not stand as text: so data frames write one. A whole
        number may be written as 12.0.

    Raises:
        ValueError: If the value is no such thing, in the form that `BadRows.add` takes.

    Example:
        >>> typed_value("age", ["31", None, "32.0"], "int64", decimal=".")
        [31, 32]
    """
    if _is_missing(value, decimal):
        return None
    if isinstance(value, list):
        kept = [one for one in value if not _is_missing(one, decimal)]
        return [_one(name, one, dtype, decimal) for one in kept]
    return _one(name, value, dtype, decimal)


def _one(name: str, value: Any, dtype: str, decimal: str | None) -> Any:
    if decimal is None and isinstance(value, PathText):
        decimal = "."
    try:
        if dtype == "string":
            if type(value) is str and (value.isascii() or value.encode()):
                return value
            if isinstance(value, bytes | PathText):
                return value.decode() if isinstance(value, bytes) else str(value)
        elif dtype == "time":
            return exact_time(value)
        elif decimal is not None:
            text = value if decimal == "." and "_" not in value else _with_point(value, decimal)
            return _number(_whole_of_text(text) if dtype == "int64" else float(text), dtype)
        elif isinstance(value, int | float | Decimal) and not isinstance(value, Nanoseconds):
            return _number(_whole(value) if dtype == "int64" else float(value), dtype)
    except (ValueError, TypeError, OverflowError, InvalidOperation):
        pass
    problem = f"`{name}` must be {_WORDS[dtype]}. Received: {name}={value!r}"
    if decimal is not None and value.strip().lower() in _MISSING:
        fix = f"If it means that there is no value, name it: missing = {_toml(value)}."
        raise InvalidRow(problem, fix)
    if isinstance(value, float) and dtype == "int64" and abs(value) >= _MAX_FLOAT_ID:
        fix = "From 2^53 on a float is not exact: write the file with whole numbers."
        raise InvalidRow(problem, fix)
    if decimal is None and isinstance(value, str) != (dtype == "string"):
        fix = f"If `{name}` is so in all rows, set the dtype of its column, or write the file so."
        raise InvalidRow(problem, fix, at_fault=True)
    raise ValueError(problem)


def _whole(value: Any) -> int:
    """Returns the whole number that a number is."""
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _MAX_FLOAT_ID:
            return int(value)
    elif isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 20:
        whole = int(value)  # of 20 digits at most
        if whole == value:
            return whole
    raise ValueError


def _whole_of_text(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return _whole(Decimal(text.strip()))


def _parser(dtype: str) -> Callable[[str], Any]:
    return _whole_of_text if dtype == "int64" else float


def _with_point(text: str, decimal: str) -> str:
    """Returns a number as Python writes it."""
    if "_" in text or (decimal != "." and "." in text):  # 1_000 is a number to Python only
        raise ValueError
    return text.replace(decimal, ".")


def _is_missing(value: Any, decimal: str | None) -> bool:
    return value is None or (is_nan(value) and decimal is None)


def is_nan(value: Any) -> bool:
    """Whether a value is a float that is no number.

    Example:
        >>> is_nan(float("nan")), is_nan("nan"), is_nan(1)
        (True, False, False)
    """
    return isinstance(value, float) and math.isnan(value)


def _toml(cell: str) -> str:
    return json.dumps(["", cell] if cell else [""], ensure_ascii=False)


def _number(value: Any, dtype: str) -> Any:
    if dtype == "int64":
        if -(2**63) <= value < 2**63:
            return int(value)
    elif math.isfinite(value) and abs(value) < _MAX_FLOAT32:
        return float(value)
    raise ValueError


def typed_column(
    name: str, values: Sequence[Any], dtype: str, *, decimal: str | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Converts a feature of many rows; what it accepts is what `typed_value` accepts.

    Args:
        name: The feature.
        values: Its value in each row: a value, a list, or None.
        dtype: `"int64"`, `"float32"` or `"string"`.
        decimal: As for `typed_value`.

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
    array = quick_column(flat, dtype, decimal=decimal)
    if array is None:
        # Missing values in lists, an odd type, or an error that is to be told well.
        lists = [typed_value(name, list(one), dtype, decimal=decimal) for one in lists]
        flat = list(itertools.chain.from_iterable(lists))
        if dtype == "string":
            flat = [text.encode() for text in flat]
        array = np.array(flat, object if dtype == "string" else dtype)
    return array, np.fromiter(map(len, lists), np.int64, len(lists))


def quick_column(
    flat: Sequence[Any], dtype: str, *, decimal: str | None = None
) -> NDArray[Any] | None:
    """Converts all values at once, or returns None where `typed_value` has to look at each.

    What it converts, `typed_value` would convert to the same.

    Args:
        flat: Numbers and texts.
        dtype: `"int64"`, `"float32"` or `"string"`.
        decimal: As for `typed_value`.

    Returns:
        `(values,)` of the dtype, strings as UTF-8 bytes; None if a value is of another type, out
        of range or not finite.

    Example:
        >>> quick_column(["1", "2"], "int64", decimal=".").tolist()
        [1, 2]
    """
    kinds = set(map(type, flat))
    try:
        if dtype == "string":
            if kinds <= {str}:
                return np.array([text.encode() for text in flat], object)
        elif decimal is not None:
            # All at once, so that no mark is looked for in each; ends of line keep them apart.
            texts = _with_point("\n".join(flat), decimal).split("\n")
            if len(texts) == max(len(flat), 1):
                return _finite(list(map(_parser(dtype), texts[: len(flat)])), dtype)
        elif kinds <= {int, bool} or (dtype == "float32" and kinds <= {int, bool, float}):
            return _finite(flat, dtype)
        elif kinds <= {int, bool, float}:
            return _finite(list(map(_whole, flat)), dtype)
    except (ValueError, TypeError, OverflowError, InvalidOperation):
        pass
    return None


def _finite(flat: Sequence[Any], dtype: str) -> NDArray[Any] | None:
    if dtype == "int64":
        return np.array(flat, np.int64)
    with np.errstate(over="ignore"):
        array = np.array(flat, np.float64).astype(np.float32)
    return array if np.isfinite(array).all() else None


T = TypeVar("T")


def plain_value(values: list[T]) -> list[T] | T | None:
    """Returns None for no value, the value itself for one, and the list for more.

    Example:
        >>> plain_value([]), plain_value([7]), plain_value([7, 8])
        (None, 7, [7, 8])
    """
    return values if len(values) > 1 else values[0] if values else None


def unknown_word(name: str, word: str, words: Mapping[str, float]) -> InvalidRow:
    """Returns the error for a label whose text stands for no number.

    Example:
        >>> print(unknown_word("clicked", "maybe", {"yes": 1, "no": 0}))
        `clicked` must be one of yes, no. Received: clicked='maybe'
    """
    problem = f"`{name}` must be one of {', '.join(words)}. Received: {name}={word!r}"
    return InvalidRow(problem, "Add it to label_values if it is a label.", at_fault=True)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One thing that is read of each row.

    Attributes:
        key: What it is called afterwards: the feature's name, or `LABEL` or `WEIGHT`.
        name: Its name in the row.
        dtype: `"int64"`, `"float32"` or `"string"`.
        shape: Shape of its value; None for a list of any length.
        default: What stands for a missing value; None makes it required. Not for lists. The label
            of a row that weighs nothing may be missing: NaN.
        least: Smallest value.
        most: Largest value.
        words: If there are any, the value is text, and this says which number each text is.
    """

    key: str
    name: str
    dtype: str
    shape: tuple[int, ...] | None
    default: Any = None
    least: float = -np.inf
    most: float = np.inf
    words: Mapping[str, float] = dataclasses.field(default_factory=dict)

    LABEL = "label of the row"
    WEIGHT = "weight of the row"

    @property
    def size(self) -> int:
        """Number of values that the shape has."""
        return int(np.prod(self.shape or (), dtype=np.int64))

    @property
    def read_dtype(self) -> str:
        """Type of what stands in the row."""
        return "string" if self.words else self.dtype

    def numbers(self, texts: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the numbers that UTF-8 texts stand for.

        Raises:
            ValueError: If a text stands for none.
        """
        known = {text.encode(): number for text, number in self.words.items()}
        try:
            return np.array([known[text] for text in texts.tolist()], np.float32)
        except KeyError as error:
            raise unknown_word(self.name, error.args[0].decode(), self.words) from None

    @classmethod
    def of(cls, spec: Mapping[str, Any], options: BatchOptions) -> "list[Wanted]":
        """Lists the features of a parse spec, then label and weight as far as they are named."""
        wanted = []
        for name, feature in spec.items():
            shape = getattr(feature, "shape", None)
            if shape is not None:
                shape = tuple(int(size) for size in shape)
            default = getattr(feature, "default_value", None)
            wanted.append(cls(name, name, feature.dtype.name, shape, default))
        if options.label is not None:
            # Its range holds after `positive_from`, which maps any number to 0 or 1.
            low, high = options.label_range or (-np.inf, np.inf)
            if options.positive_from is not None:
                low, high = -np.inf, np.inf
            default = None if options.weight is None else np.nan
            words = options.label_values
            label = cls(cls.LABEL, options.label, "float32", (), default, low, high, words)
            wanted.append(label)
        if options.weight is not None:
            wanted.append(cls(cls.WEIGHT, options.weight, "float32", (), None, 0.0))
        return wanted
