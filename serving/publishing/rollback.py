"""Back to an earlier version, by going forward."""

import os
import shutil
from pathlib import Path

from serving.publishing.is_object_store import is_object_store
from serving.publishing.publish import publish
from serving.publishing.versions import versions


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
