"""Examples as arrays, out of batches."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class Examples:
    """What judging needs of a part of the data.

    Attributes:
        labels: `(examples,)` float64.
        weights: `(examples,)` float64; None where the batches have none.
        features: Feature -> its value in each example: an array of numbers or words where there
            is one each, otherwise a list of lists.
        predictions: Model -> `(examples,)` float64.
    """

    labels: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    features: dict[str, Sequence[Any] | NDArray]
    predictions: dict[str, NDArray[np.float64]]
