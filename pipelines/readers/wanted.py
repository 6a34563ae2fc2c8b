"""What is read of each row."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.readers.batch_options import BatchOptions


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One thing that is read of each row.

    Attributes:
        key: What it is called afterwards: the feature's name, or `LABEL` or `WEIGHT`.
        name: Its name in the row.
        dtype: `"int64"`, `"float32"` or `"string"`.
        shape: Shape of its value; None for a list of any length.
        default: What stands for a missing value; None makes it required. Not for lists.
        least: Smallest value.
        most: Largest value.
    """

    key: str
    name: str
    dtype: str
    shape: tuple[int, ...] | None
    default: Any = None
    least: float = -np.inf
    most: float = np.inf

    LABEL = "label of the row"
    WEIGHT = "weight of the row"

    @property
    def size(self) -> int:
        """Number of values that the shape has."""
        return int(np.prod(self.shape or (), dtype=np.int64))

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
            label = cls(cls.LABEL, options.label, "float32", (), None, low, high)
            wanted.append(label)
        if options.weight is not None:
            wanted.append(cls(cls.WEIGHT, options.weight, "float32", (), None, 0.0))
        return wanted
