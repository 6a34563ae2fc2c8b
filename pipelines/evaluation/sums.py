"""A metric that is a function of sums."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


class Sums:
    """A metric of which sums over units are all that must be known: nearly every metric is one.

    Accuracy is (weight of the right answers) / (weight), the mean NDCG is (sum over groups) /
    (number of groups). Kept unit by unit, the metric of a resample costs one row of a matrix
    product.

    Args:
        parts: `(units, parts)` what each example or group adds to each sum.
        finish: `(resamples, parts)` sums -> `(resamples,)`. Default: the first by the second.

    Example:
        >>> import numpy as np
        >>> right = Sums(np.array([[1.0, 1.0], [0.0, 1.0]]))
        >>> right.of(np.array([[1.0, 1.0], [2.0, 0.0]])).tolist()
        [0.5, 1.0]
    """

    def __init__(
        self,
        parts: NDArray[np.float64],
        finish: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    ) -> None:
        self._parts = parts
        self._finish = finish or (lambda total: total[:, 0] / total[:, 1])

    def of(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the metric of each resample, NaN where it is not defined.

        Args:
            counts: `(resamples, units)` how often each unit was drawn.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._finish(counts @ self._parts)
