"""Some rows as arrays, a column for each feature."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Columns:
    """Rows as arrays; picking rows copies no lists.

    Attributes:
        count: Number of rows.
        dense: Name -> `(count, ...)`: features with one value or one shape in all rows.
        lists: Name -> values of all lists one after the other `(values,)`, where the list of each
            row starts `(count,)`, and its length `(count,)`.

    Example:
        >>> lists = Columns.of_lists({}, {"tags": (np.array([7, 8, 9]), np.array([1, 0, 2]))}, 3)
        >>> lists.take(np.array([2, 0])).packed("tags")[0].tolist()
        [8, 9, 7]
    """

    count: int
    dense: dict[str, Array]
    lists: dict[str, tuple[Array, Array, Array]]

    @classmethod
    def of_lists(
        cls, dense: dict[str, Array], lists: dict[str, tuple[Array, Array]], count: int
    ) -> "Columns":
        """Makes columns of lists given by their values and their lengths."""
        placed = {
            name: (values, np.cumsum(lengths) - lengths, lengths)
            for name, (values, lengths) in lists.items()
        }
        return cls(count, dense, placed)

    @classmethod
    def join(cls, parts: "Sequence[Columns]") -> "Columns":
        """Puts rows of the same features one after the other."""
        if len(parts) == 1:
            return parts[0]
        dense = {
            name: np.concatenate([part.dense[name] for part in parts]) for name in parts[0].dense
        }
        lists = {}
        for name in parts[0].lists:
            packed = [part.packed(name) for part in parts]
            values, lengths = zip(*packed, strict=True)
            lists[name] = (np.concatenate(values), np.concatenate(lengths))
        return cls.of_lists(dense, lists, sum(part.count for part in parts))

    def __len__(self) -> int:
        return self.count

    def take(self, rows: Array | slice) -> "Columns":
        """Returns some of the rows."""
        dense = {name: values[rows] for name, values in self.dense.items()}
        lists = {
            name: (values, starts[rows], lengths[rows])
            for name, (values, starts, lengths) in self.lists.items()
        }
        return Columns(len(np.arange(self.count)[rows]), dense, lists)

    def packed(self, name: str) -> tuple[Array, Array]:
        """Returns the values of a feature's lists in the order of the rows, and their lengths."""
        values, starts, lengths = self.lists[name]
        total = int(lengths.sum())
        # Where the list of a row starts in the result, to count on from where it starts here.
        shift = starts - (np.cumsum(lengths) - lengths)  # (count,)
        return values[np.repeat(shift, lengths) + np.arange(total)], lengths
