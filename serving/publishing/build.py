"""A SavedModel in a folder, or an error."""

from collections.abc import Callable
from pathlib import Path


def build(write: Callable[[Path], None], folder: Path) -> None:
    """Has `write` fill a folder, and makes sure that a SavedModel is in it.

    Raises:
        ValueError: If there is no `saved_model.pb`.
    """
    write(folder)
    if not (folder / "saved_model.pb").is_file():
        raise ValueError(
            f"`write` must write a SavedModel. Received: write={write!r}, which wrote no "
            "saved_model.pb. Save into the folder that it is given."
        )
