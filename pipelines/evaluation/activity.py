"""How often the training part has shown an id."""

import numpy as np
from numpy.typing import ArrayLike

_STARTS = (0, 1, 5, 20, 100, 500)
_NAMES = ("0", "1-4", "5-19", "20-99", "100-499", "500 and more")


def activity(ids: ArrayLike, training: ArrayLike) -> list[str]:
    """Returns for each id the range that its number of training examples lies in.

    Of users this is their activity, of items their popularity: a slice by which it shows what a
    model does for newcomers and for the long tail.

    Args:
        ids: `(examples,)` ids to look up.
        training: `(training examples,)` ids of the training part.

    Returns:
        "0", "1-4", "5-19", "20-99", "100-499" or "500 and more", one for each id.

    Example:
        >>> activity(["ann", "bob", "cid"], ["ann"] * 6 + ["bob"])
        ['5-19', '1-4', '0']
    """
    known, count = np.unique(np.asarray(training).ravel(), return_counts=True)
    asked = np.asarray(ids).ravel()
    if not known.size:
        return [_NAMES[0]] * asked.size
    place = np.minimum(np.searchsorted(known, asked), known.size - 1)
    seen = np.where(known[place] == asked, count[place], 0)
    return [_NAMES[index] for index in np.searchsorted(_STARTS, seen, "right") - 1]
