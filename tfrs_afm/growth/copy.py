"""A copy of numbers that is planned but not yet made."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Copy:
    """A copy of numbers from one variable to another that is planned but not yet made.

    Attributes:
        old: The variable to read.
        new: The variable to write.
        rows: `(rows of new,)`, the row of `old` for each row of `new`, -1 for one to be left
            alone. None copies the whole variable.
    """

    old: Any
    new: Any
    rows: np.ndarray | None = None

    def make(self) -> None:
        """Copies."""
        if self.rows is None:
            self.new.assign(self.old.numpy())
            return
        values = self.new.numpy()
        known = self.rows >= 0
        values[known] = self.old.numpy()[self.rows[known]]
        self.new.assign(values)
