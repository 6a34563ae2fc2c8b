"""What a raw data set is to everything else."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

Row = dict[str, Any]
"""Feature -> int, float, str, a list of one of these, or None where there is no value."""


class Source(Protocol):
    """A function that reads a raw data set."""

    def __call__(self, path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
        """Reads a raw data set.

        Args:
            path: Folder or file of the raw data, `data.path`; None where none was given.
            settings: What the data set lets one choose, `data.settings`, not checked yet.

        Returns:
            Part ("train", "validation", "test") -> its rows, label, weight, group and all features
            included. Each part can be gone through more than once, and gives the same rows in the
            same order each time. Where `data.split` is to deal the rows out, only "train".

        Raises:
            ValueError: If a file or a setting is not as it must be; file and line are named.
        """
