"""One raw feature, and which values it takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.client.errors import FeatureError, FeatureTypeError

_PYTHON = {
    "int64": (int, np.integer),
    "float": (int, float, np.integer, np.floating),
    "string": (str, bytes),
}
_KINDS = {"int64": "iu", "float": "iuf", "string": "SUO"}
_WORDS = {"int64": "whole numbers", "float": "numbers", "string": "str or bytes"}
_LIST = {"int64": "int64_list", "float": "float_list", "string": "bytes_list"}
_FLOAT_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Feature:
    """What the sidecar says of a feature.

    Attributes:
        name: Its key in the example.
        dtype: `int64`, `float` or `string`.
        size: How many values it has; None for a list of any length, which may be empty.
        required: Whether an example without it is refused.
        side: Who brings it in `rank`: `context`, `candidate` or `both`.
    """

    name: str
    dtype: str
    size: int | None
    required: bool
    side: str

    @classmethod
    def of(cls, name: str, entry: Mapping[str, Any]) -> "Feature":
        """Reads a feature's entry in the sidecar.

        Args:
            name: The feature.
            entry: Its `dtype`, `shape`, `required` and `side`.
        """
        size = None if entry["shape"] is None else math.prod(entry["shape"])
        return cls(name, entry["dtype"], size, entry["required"], entry["side"])

    @property
    def field(self) -> str:
        """The field of a `tensorflow.Feature` that holds it."""
        return _LIST[self.dtype]

    def values(self, value: Any, row: int) -> list[Any]:
        """The values as a flat list of Python's own types.

        Args:
            value: One value, a list or an array; None or NaN for a missing one.
            row: The row, for messages.

        Returns:
            The values; empty if it is missing.

        Raises:
            FeatureTypeError: If a value is of another kind.
            FeatureError: If there are too many or too few, or one is out of range.
        """
        if _is_missing(value):
            return []
        if isinstance(value, np.ndarray):
            if value.size and value.dtype.kind not in _KINDS[self.dtype]:
                raise self._type_error(value.ravel()[0], row)
            found = value.ravel().tolist()
        elif isinstance(value, list | tuple):
            found = list(value)
        else:
            found = [value]
        for one in found:
            if isinstance(one, bool) or not isinstance(one, _PYTHON[self.dtype]):
                raise self._type_error(one, row)
        found = [self._plain(one, row) for one in found]
        if self.size is not None and len(found) != self.size:
            raise FeatureError(
                f"`features` must hold {self.size} value(s) of '{self.name}'. Received: "
                f"{len(found)} value(s) for feature '{self.name}' in row {row}. "
                "Send as many as the column's shape says, or leave the feature out."
            )
        return found

    def _plain(self, one: Any, row: int) -> Any:
        if self.dtype == "string":
            return one.encode() if isinstance(one, str) else bytes(one)
        if self.dtype == "int64" and not -(2**63) <= int(one) < 2**63:
            raise self._range_error(one, row, "a 64-bit integer")
        if self.dtype == "float":
            if not math.isfinite(one) or abs(one) > _FLOAT_MAX:
                raise self._range_error(one, row, "a finite 32-bit float")
            return float(one)
        return int(one)

    def _type_error(self, one: Any, row: int) -> FeatureTypeError:
        return FeatureTypeError(
            f"`features` must hold {_WORDS[self.dtype]} for '{self.name}'. Received: {one!r} "
            f"({type(one).__name__}) for feature '{self.name}' in row {row}. Convert it first."
        )

    def _range_error(self, one: Any, row: int, what: str) -> FeatureError:
        return FeatureError(
            f"`features` must hold {what} for '{self.name}'. Received: {one!r} for feature "
            f"'{self.name}' in row {row}. Leave the feature out where its value is unknown."
        )


def _is_missing(value: Any) -> bool:
    """None, NaN, and what pandas puts where there is nothing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)
