"""A folder to an object store, in the order that servers can bear."""

import os
from pathlib import Path

import tensorflow as tf

from serving.publishing.object_store.remove import remove


def upload(folder: Path, address: str) -> None:
    """Copies a SavedModel file by file, `saved_model.pb` last.

    A server lists the base path while files arrive. Without `saved_model.pb` a version does not
    load, and the server keeps the one before and tries again; with it, but without the
    variables, it would load and fail every request.

    Args:
        folder: The SavedModel.
        address: Where to; nothing may be there. If anything fails, what was copied is removed.
    """
    files = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    whole = False
    try:
        for file in sorted(files, key=lambda file: (file == folder / "saved_model.pb", file)):
            target = f"{address}/{file.relative_to(folder).as_posix()}"
            tf.io.gfile.makedirs(target.rpartition("/")[0])
            tf.io.gfile.copy(str(file), target)
        whole = True
    finally:
        if not whole:
            remove(address)
