"""The strings that a feature takes often enough to learn from."""

from collections import Counter
from collections.abc import Iterable


def vocabulary(values: Iterable[str], min_count: int = 1) -> list[str]:
    """Returns the values by falling count, equal counts in alphabetical order.

    Args:
        values: Values seen in the training part.
        min_count: Rarer values are left out, and are out of vocabulary to a model.

    Returns:
        The distinct values that are frequent enough; the order does not depend on the input's.

    Example:
        >>> vocabulary(["b", "a", "c", "c"])
        ['c', 'a', 'b']
    """
    counts = Counter(values)
    kept = [value for value, count in counts.items() if count >= min_count]
    return sorted(kept, key=lambda value: (-counts[value], value))
