"""How well an item is liked, by everybody."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Popularity:
    """Predicts the smoothed positive rate of the item in the training part.

        p(item) = (positives(item) + prior * rate) / (examples(item) + prior)
    with the rate of all training examples, which an unknown item gets.

    Args:
        items: `(examples,)` ids, numbers or text, of the training part.
        labels: `(examples,)` 0 or 1.
        prior: How many examples the rate counts for. Positive.

    Raises:
        ValueError: If there are no examples or `prior` is not positive.

    Example:
        >>> popularity = Popularity([7, 7, 8, 8], [1, 1, 1, 0], prior=2)
        >>> popularity.predict([7, 8, 9]).tolist()
        [0.875, 0.625, 0.75]
    """

    def __init__(self, items: ArrayLike, labels: ArrayLike, prior: float = 5.0) -> None:
        known = np.asarray(items).ravel()
        label = np.asarray(labels, np.float64).ravel()
        if not label.size:
            raise ValueError("`labels` must not be empty. Received: no labels.")
        if prior <= 0:
            raise ValueError(f"`prior` must be positive. Received: prior={prior}.")
        self._rate = float(label.mean())
        self._items, place, count = np.unique(known, return_inverse=True, return_counts=True)
        positives = np.bincount(place.ravel(), weights=label)
        self._rates = (positives + prior * self._rate) / (count + prior)

    def predict(self, items: ArrayLike) -> NDArray[np.float64]:
        """Returns the prediction for each item.

        Args:
            items: `(examples,)` ids, numbers or text,.
        """
        asked = np.asarray(items).ravel()
        place = np.minimum(np.searchsorted(self._items, asked), len(self._items) - 1)
        found: NDArray[np.float64] = np.where(
            self._items[place] == asked, self._rates[place], self._rate
        )
        return found
