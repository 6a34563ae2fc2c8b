"""A new version, all at once."""

import os
from collections.abc import Callable
from pathlib import Path

from serving.publishing.build import build
from serving.publishing.folder_versions import folder_versions
from serving.publishing.is_object_store import is_object_store
from serving.publishing.prune import prune
from serving.publishing.rename import rename_new
from serving.publishing.staging import clean, staging
from serving.publishing.sync import sync_folder, sync_tree


def publish(
    write: Callable[[Path], None],
    base_path: str | os.PathLike[str],
    *,
    keep_last: int | None = None,
) -> Path | str:
    """Writes a model into a hidden folder and renames it to the next version number.

    A server polling the base path sees the whole version or none, whenever this process is
    killed. The number is one above the highest there; publishers that race for it get different
    ones. Hidden folders that killed publishers left are removed.

    An object store has no rename. There the model is written into a local temporary folder and
    uploaded file by file, `saved_model.pb` last: until then the version does not load, and a
    server stays with the one before. If an upload fails, what was uploaded is removed; if the
    process is killed, it stays as a number without `saved_model.pb` that nobody uses again.

    Args:
        write: Fills the folder it is given, for instance with `tf.saved_model.save`. If it
            raises, nothing is published.
        base_path: The model's folder, `model_base_path` to the server; made if needed. Or its
            address in an object store, such as "s3://bucket/ranker": any that fsspec knows (extra
            `[stores]`). The bucket must exist.
        keep_last: How many of the highest versions to keep; the others are removed. Positive.
            Default: all.

    Returns:
        The folder of the published version; in an object store, its address.

    Raises:
        ValueError: If `keep_last` is not positive, or `write` wrote no `saved_model.pb`.
        ImportError: If the store's package is not installed.
        OSError: If the store refuses or does not answer.

    Example:
        ```python
        publish(lambda folder: tf.saved_model.save(module, str(folder)), "models/ranker")
        ```
    """
    if keep_last is not None and keep_last < 1:
        raise ValueError(
            f"`keep_last` must be positive. Received: keep_last={keep_last}. "
            "Keep at least the version that is being published."
        )
    published: Path | str
    if is_object_store(base_path):
        from serving.publishing.object_store import publish_to_store

        published = publish_to_store(write, base_path)
    else:
        published = _publish_to_folder(write, Path(base_path))
    if keep_last is not None:
        prune(base_path, keep_last=keep_last)
    return published


def _publish_to_folder(write: Callable[[Path], None], base: Path) -> Path:
    with staging(base) as folder:
        clean(base)
        build(write, folder)
        sync_tree(folder)
        published = _claim(folder, base)
    sync_folder(base)
    return published


def _claim(folder: Path, base: Path) -> Path:
    """Takes the next free number; whoever is faster leaves us the one after it."""
    while True:
        target = base / str(max(folder_versions(base), default=0) + 1)
        try:
            rename_new(folder, target)
        except FileExistsError:
            continue
        return target
