"""One feature as its raw value is written and parsed."""

import dataclasses
from typing import Any, Literal


@dataclasses.dataclass(frozen=True)
class RawFeature:
    """The type of a feature, as the columns read it.

    Attributes:
        name: Its key in a row and in a `tf.Example`.
        dtype: Type of its values.
        shape: Shape of the value of one row, as `(1,)`; None for a list of any length.
        default: Value of a row that lacks the feature, where its column has one; "mean" or
            "median" where it is yet to be fitted.
    """

    name: str
    dtype: Literal["int64", "float32", "string"]
    shape: tuple[int, ...] | None = None
    default: Any = None
