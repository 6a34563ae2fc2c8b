"""The features that a configuration reads, before any column is made."""

import dataclasses
import math
from typing import Any, Literal

from pipelines.configuration.column import Column
from pipelines.configuration.configuration import Configuration


@dataclasses.dataclass(frozen=True)
class RawFeature:
    """The type of a feature, as the columns read it.

    Attributes:
        name: Its key in a row and in a `tf.Example`.
        dtype: Type of its values.
        shape: Shape of the value of one row, as `(1,)`; None for a list of any length.
        default: Value of a row that lacks the feature: that of its column, where it has one, and
            NaN for other floats, which the model masks; None makes the feature required. "mean"
            or "median" where it is yet to be fitted.
    """

    name: str
    dtype: Literal["int64", "float32", "string"]
    shape: tuple[int, ...] | None = None
    default: Any = None

    @property
    def declared(self) -> str:
        """The feature as its columns declare it, for the key of prepared examples."""
        lacks = isinstance(self.default, float) and math.isnan(self.default)
        return str(dataclasses.replace(self, default=None) if lacks else self)


def raw_features(configuration: Configuration) -> dict[str, RawFeature]:
    """Returns the type of each feature that the columns read.

    It agrees with `tfrs_afm.parse_spec` of the columns, but needs neither TensorFlow nor what is
    fitted, and so serves those who read raw files.

    Args:
        configuration: Any.

    Returns:
        Name -> feature, in the order in which the columns name them. Label, weight and group are
        not among them, unless a column reads them too.

    Raises:
        ValueError: If two columns read one feature in two ways.
    """
    found: dict[str, RawFeature] = {}
    for place, column in enumerate(configuration.columns):
        for feature in _features(column):
            known = found.setdefault(feature.name, feature)
            if known != feature:
                raise ValueError(
                    f"`columns[{place}]` must read a feature as the other columns do. Received: "
                    f"{_said(feature)}, and before {_said(known)} for field '{feature.name}'. "
                    "Give both columns one dtype, shape and default_value."
                )
    return found


def _features(column: Column) -> list[RawFeature]:
    kind = column.kind.removeprefix("sequence_")
    if kind in ("numeric_column", "bucketized_column", "piecewise_linear_column"):
        return [_number(column)]
    if kind == "weighted_categorical_column":
        dtype: Any = column.dtype or "float32"
        inner = column.categorical_column
        weights = RawFeature(str(column.weight_feature_key), dtype)
        return [*(_features(inner) if inner else []), weights]
    if kind == "crossed_column":
        parts = [
            _features(key) if isinstance(key, Column) else [RawFeature(key, "string")]
            for key in column.keys
        ]
        return [feature for part in parts for feature in part]
    return [RawFeature(str(column.key), column.dtype or _ids_dtype(column))]


def _ids_dtype(column: Column) -> Any:
    if column.kind.endswith("identity"):
        return "int64"
    whole = column.vocabulary_list and isinstance(column.vocabulary_list[0], int)
    return "int64" if whole else "string"


def _number(column: Column) -> RawFeature:
    dtype: Any = column.dtype or "float32"
    if column.kind.startswith("sequence_"):
        return RawFeature(str(column.key), dtype)
    default = column.default_value
    if default is None and dtype == "float32":
        default = math.nan
    return RawFeature(str(column.key), dtype, column.shape, default)


def _said(feature: RawFeature) -> str:
    shape = "a list" if feature.shape is None else f"shape {list(feature.shape)}"
    return f"{feature.dtype} of {shape} with default {feature.default}"
