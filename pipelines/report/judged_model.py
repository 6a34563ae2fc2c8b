"""A model's predictions of the reported part."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from pipelines.evaluation.slice import Slice


@dataclasses.dataclass(frozen=True)
class JudgedModel:
    """What a model or baseline says of the part that curves and slices are drawn for.

    Attributes:
        predictions: `(examples,)`.
        slices: Its metrics per slice.
    """

    predictions: NDArray[np.float64]
    slices: list[Slice] = dataclasses.field(default_factory=list)
