"""Old versions, removed."""

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from serving.publishing.staging import PREFIX
from serving.publishing.versions import versions


def prune(base_path: str | os.PathLike[str], *, keep_last: int) -> list[Path]:
    """Removes all versions but the highest few.

    A version goes by a rename to a hidden name first, so that a server never finds it half gone.
    A server that has it loaded goes on serving it from memory.

    Args:
        base_path: The model's folder.
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
    base = Path(base_path)
    removed = []
    for version in list(versions(base).values())[:-keep_last]:
        hidden = base / f"{PREFIX}{uuid.uuid4().hex}"
        with suppress(FileNotFoundError):  # another process may be pruning too
            version.rename(hidden)
            removed.append(version)
            if hidden.is_dir():
                shutil.rmtree(hidden)
            else:
                hidden.unlink()
    return removed
