"""A new version, all at once."""

import os
from collections.abc import Callable
from pathlib import Path

from serving.publishing.prune import prune
from serving.publishing.rename import rename_new
from serving.publishing.staging import clean, staging
from serving.publishing.sync import sync_folder, sync_tree
from serving.publishing.versions import versions


def publish(
    write: Callable[[Path], None],
    base_path: str | os.PathLike[str],
    *,
    keep_last: int | None = None,
) -> Path:
    """Writes a model into a hidden folder and renames it to the next version number.

    A server polling the base path sees the whole version or none, whenever this process is
    killed. The number is one above the highest there; publishers that race for it get different
    ones. Hidden folders that killed publishers left are removed.

    Args:
        write: Fills the folder it is given, for instance with `tf.saved_model.save`. If it
            raises, nothing is published.
        base_path: The model's folder, `model_base_path` to the server; made if needed.
        keep_last: How many of the highest versions to keep; the others are removed. Positive.
            Default: all.

    Returns:
        The folder of the published version.

    Raises:
        ValueError: If `keep_last` is not positive, or `write` wrote no `saved_model.pb`.

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
    base = Path(base_path)
    with staging(base) as folder:
        clean(base)
        write(folder)
        if not (folder / "saved_model.pb").is_file():
            raise ValueError(
                f"`write` must write a SavedModel. Received: write={write!r}, which wrote no "
                "saved_model.pb. Save into the folder that it is given."
            )
        sync_tree(folder)
        published = _claim(folder, base)
    sync_folder(base)
    if keep_last is not None:
        prune(base, keep_last=keep_last)
    return published


def _claim(folder: Path, base: Path) -> Path:
    """Takes the next free number; whoever is faster leaves us the one after it."""
    while True:
        target = base / str(max(versions(base), default=0) + 1)
        try:
            rename_new(folder, target)
        except FileExistsError:
            continue
        return target
