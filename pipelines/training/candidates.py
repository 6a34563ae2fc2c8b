"""The items from which negatives are drawn."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Candidates:
    """All items with their features, and what is known of who chose which.

    Attributes:
        features: Feature name -> its values of the n items: `(n, ...)` array or tensor, or a
            `RaggedTensor` or `SparseTensor` for lists. The feature that names the item is among
            them, each item once. What is here changes with the item; every other feature of an
            example stays.
        counts: `(n,)`, how often each item is a positive; needed for their popularity.
        positives: Groups `(m,)` and items `(m,)` of all known positives, as values of their
            features. None where nothing is known.
    """

    features: Mapping[str, Any]
    counts: Any = None
    positives: tuple[Any, Any] | None = None
