"""A folder from an object store."""

from pathlib import Path

import tensorflow as tf


def download(address: str, folder: Path) -> None:
    """Copies everything under an address into a local folder.

    Args:
        address: The folder in the store.
        folder: The local one, which exists and is empty.
    """
    for place, _, names in tf.io.gfile.walk(address.rstrip("/")):
        inside = folder / place.rstrip("/").removeprefix(address.rstrip("/")).lstrip("/")
        inside.mkdir(exist_ok=True)
        for name in names:
            tf.io.gfile.copy(f"{place.rstrip('/')}/{name}", str(inside / name))
