"""Old versions, removed."""

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from serving.publishing.is_object_store import is_object_store
from serving.publishing.staging import PREFIX
from serving.publishing.versions import versions


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
        if hidden.is_dir():
            shutil.rmtree(hidden)
        else:
            hidden.unlink()
        return True
    return False
