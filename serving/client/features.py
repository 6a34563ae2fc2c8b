"""Typed rows to `tf.Example`s: which values each feature takes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.client.errors import FeatureError, FeatureTypeError
from serving.wire.messages import message_class

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
        default: The number of each element that stands for a missing one; empty without, where
            an element of it is None that one has none.
        masks: Whether the model takes NaN for a missing number, which is then no member.
    """

    name: str
    dtype: str
    size: int | None
    required: bool
    side: str
    default: tuple[Any, ...] = ()
    masks: bool = False

    @classmethod
    def of(cls, name: str, entry: Mapping[str, Any]) -> "Feature":
        """Reads a feature's entry in the sidecar.

        Args:
            name: The feature.
            entry: Its `dtype`, `shape`, `required`, `side`, `default` and `masks_missing`, which
                sidecars of before do not have.
        """
        size = None if entry["shape"] is None else math.prod(entry["shape"])
        default = tuple(np.ravel(entry.get("default") or []).tolist())
        masks = bool(entry.get("masks_missing", False))
        return cls(name, entry["dtype"], size, entry["required"], entry["side"], default, masks)

    @property
    def field(self) -> str:
        """The field of a `tensorflow.Feature` that holds it."""
        return _LIST[self.dtype]

    def values(self, value: Any, row: int) -> list[Any]:
        """The values as a flat list of Python's own types.

        Args:
            value: One value, a list or an array; None or NaN for a missing one, for a number
                also in a list.
            row: The row, for messages.

        Returns:
            The values; empty if it is missing, and the model has a default. Without one a missing
            number is NaN, which the model masks.

        Raises:
            FeatureTypeError: If a value is of another kind.
            FeatureError: If there are too many or too few, or one is out of range.
        """
        if _is_missing(value):
            return [math.nan] * (self.size or 0) if self.required and self.masks else []
        if isinstance(value, np.ndarray):
            if value.size and value.dtype.kind not in _KINDS[self.dtype]:
                raise self._type_error(value.ravel()[0], row)
            found = value.ravel().tolist()
        elif isinstance(value, list | tuple):
            found = list(value)
        else:
            found = [value]
        if self.dtype == "float":
            found = [self._number(place, one, row) for place, one in enumerate(found)]
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

    def _number(self, place: int, one: Any, row: int) -> Any:
        """An element; where it is missing its default, or NaN."""
        if not _is_missing(one):
            return one
        default = self.default[place] if place < len(self.default) else None
        if default is None and not self.masks:
            raise self._range_error(one, row, "a finite 32-bit float")
        return math.nan if default is None else default

    def _plain(self, one: Any, row: int) -> Any:
        if self.dtype == "string":
            return one.encode() if isinstance(one, str) else bytes(one)
        if self.dtype == "int64" and not -(2**63) <= int(one) < 2**63:
            raise self._range_error(one, row, "a 64-bit integer")
        if self.dtype == "float":
            if abs(one) > _FLOAT_MAX:
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


def encode_example(
    features: Mapping[str, Feature], values: Mapping[str, Any], row: int, *, required: bool = True
) -> bytes:
    """Checks one row and serializes it.

    Args:
        features: What may be in the row.
        values: The row.
        row: Its number, for messages.
        required: Whether features without a default must be there.

    Returns:
        The bytes of a `tf.Example`, the same for the same values.

    Raises:
        FeatureError: If a feature is unknown, missing, or its value does not fit.
    """
    unknown = [name for name in values if name not in features]
    if unknown:
        raise FeatureError(
            f"`features` must be among {sorted(features)}. Received: {unknown} in row {row}. "
            "Leave out what the model does not read; look for typing errors."
        )
    example = message_class("tensorflow.Example")()
    example.features.SetInParent()
    for name, value in values.items():
        found = features[name].values(value, row)
        if found:
            getattr(example.features.feature[name], features[name].field).value.extend(found)
    if required:
        for name, feature in features.items():
            if feature.required and name not in example.features.feature:
                raise missing(name, row)
    return bytes(example.SerializeToString(deterministic=True))


def missing(name: str, row: int) -> FeatureError:
    """The error for a feature without a default that is not there."""
    return FeatureError(
        f"`features` must hold '{name}', which has no default. Received: none for feature "
        f"'{name}' in row {row}. Send it, or give its column a `default_value` and export again."
    )


def rows_of(data: Any) -> list[Mapping[str, Any]]:
    """Turns any of the forms that a client takes into rows.

    Args:
        data: A list of rows, each a dict of features; or columns, a dict from feature to a list
            or an array with one entry per row; or a pandas data frame.

    Returns:
        One dict of features per row.

    Raises:
        FeatureTypeError: If it is none of these.
        FeatureError: If columns differ in length.

    Example:
        >>> rows_of({"user_id": [3, 4], "history": [[1, 2], []]})
        [{'user_id': 3, 'history': [1, 2]}, {'user_id': 4, 'history': []}]
    """
    if hasattr(data, "columns") and hasattr(data, "iloc"):  # pandas, which need not be there
        data = {str(name): data[name].tolist() for name in data.columns}
    if isinstance(data, Mapping):
        return _of_columns(data)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        for row, one in enumerate(data):
            if not isinstance(one, Mapping):
                raise _kind_error(f"row {row} of type {type(one).__name__}")
        return list(data)
    raise _kind_error(type(data).__name__)


def _of_columns(columns: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    lengths = {}
    for name, column in columns.items():
        listed = isinstance(column, list | tuple)
        if not listed and not (isinstance(column, np.ndarray) and column.ndim):
            raise FeatureTypeError(
                "`features` must hold a list or an array for each column. Received: "
                f"{type(column).__name__} for feature '{name}'. For one row write "
                "[{'feature': value}]."
            )
        lengths[name] = len(column)
    if len(set(lengths.values())) > 1:
        raise FeatureError(
            f"`features` must hold columns of one length. Received: lengths {lengths}. "
            "Give every column one entry per row."
        )
    count = next(iter(lengths.values()), 0)
    return [{name: column[row] for name, column in columns.items()} for row in range(count)]


def _kind_error(received: str) -> FeatureTypeError:
    return FeatureTypeError(
        "`features` must be a list of dicts, a dict of columns or a data frame. Received: "
        f"features={received}. For one row write [{{'feature': value}}]."
    )
