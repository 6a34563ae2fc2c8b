"""A new version in an object store."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from serving.publishing.build import build
from serving.publishing.object_store.claim import claim
from serving.publishing.object_store.upload import upload


def publish_to_store(write: Callable[[Path], None], base: str) -> str:
    """Writes a model into a local folder and uploads it as the next version; see `publish`.

    Args:
        write: Fills the folder it is given.
        base: The model's address.

    Returns:
        The address of the version.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "saved_model"
        folder.mkdir()
        build(write, folder)
        with claim(base) as number:
            address = f"{base.rstrip('/')}/{number}"
            upload(folder, address)
    return address
