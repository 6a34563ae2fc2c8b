"""Versions of a model: publish, prune, roll back, list."""

import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from serving.publishing.disk import (
    PREFIX,
    build,
    clean,
    rename_new,
    staging,
    sync_folder,
    sync_tree,
)
from serving.publishing.names import folder_versions, is_object_store, next_number


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
        ValueError: If `keep_last` is not positive, `write` wrote no `saved_model.pb` or something
            that is no file, or version 2^63 - 1 is there, after which there is none.
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
    next_number(max(folder_versions(base), default=0), base)  # before the work of a model
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
        target = base / str(next_number(max(folder_versions(base), default=0), base))
        try:
            rename_new(folder, target)
        except FileExistsError:
            continue
        return target


def prune(base_path: str | os.PathLike[str], *, keep_last: int) -> list[Path | str]:
    """Removes all versions but the highest few.

    A version goes by a rename to a hidden name first, so that a server never finds it half gone.
    In an object store `saved_model.pb` goes first; what has none, as it is being uploaded, stays.
    A server that has the version loaded goes on serving it from memory.

    Args:
        base_path: The model's folder, or its address in an object store.
        keep_last: How many versions to keep. Positive.

    Returns:
        The version folders that were removed.

    Raises:
        ValueError: If `keep_last` is not positive.
    """
    if keep_last < 1:
        raise ValueError(
            f"`keep_last` must be positive. Received: keep_last={keep_last}. Keep at least one."
        )
    found = list(versions(base_path).values())[:-keep_last]
    if is_object_store(base_path):
        from serving.publishing.object_store import remove_version

        return [address for address in found if remove_version(str(address))]
    return [path for path in map(Path, found) if _remove(path)]


def _remove(version: Path) -> bool:
    """Removes a version's folder; False if another process was faster."""
    hidden = version.parent / f"{PREFIX}{uuid.uuid4().hex}"
    with suppress(FileNotFoundError):
        version.rename(hidden)
        if hidden.is_dir() and not hidden.is_symlink():  # what a link leads to is not ours
            shutil.rmtree(hidden)
        else:
            hidden.unlink()
        return True
    return False


def rollback(base_path: str | os.PathLike[str], version: int | None = None) -> Path | str:
    """Publishes an earlier version again, under a new number.

    Servers take the highest number and never retry one that failed, so the way back is a new
    version with the old content.

    Args:
        base_path: The model's folder, or its address in an object store.
        version: The number to go back to. Default: the second highest.

    Returns:
        The folder of the new version, or its address.

    Raises:
        ValueError: If there is no such version.
    """
    known = versions(base_path)
    if version is None:
        if len(known) < 2:
            raise ValueError(
                f"`base_path` must hold two versions. Received: base_path={base_path} with "
                f"{sorted(known)}. Name the version to publish again."
            )
        version = sorted(known)[-2]
    if version not in known:
        raise ValueError(
            f"`version` must be one of {sorted(known)}. Received: version={version}. "
            "Choose one that is there."
        )

    def copy(folder: Path) -> None:
        source = known[version]
        if is_object_store(source):
            from serving.publishing.object_store import download

            download(source, folder)
        else:
            shutil.copytree(source, folder, dirs_exist_ok=True)

    return publish(copy, base_path)


def versions(base_path: str | os.PathLike[str]) -> Mapping[int, Path | str]:
    """The version folders of a model, in rising order.

    TensorFlow Serving takes every child whose name it can read as a 64-bit integer, leading
    zeros and even plain files included; other names it ignores. Where two names are one number,
    the last in name order counts. In an object store a version counts once its
    `saved_model.pb` is there, which is uploaded last.

    Args:
        base_path: The model's folder, or its address in an object store, such as
            "gs://bucket/ranker"; one that does not exist has no versions.

    Returns:
        Path by number; in an object store, address by number.

    Example:
        >>> versions("no/such/model")
        {}
    """
    if is_object_store(base_path):
        from serving.publishing.object_store import store_versions

        return store_versions(base_path)
    return folder_versions(Path(base_path))
