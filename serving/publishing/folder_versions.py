"""The versions in a local folder."""

import os
from pathlib import Path

from serving.publishing.version_number import version_number


def folder_versions(base: Path) -> dict[int, Path]:
    """The version folders under a local base path, in rising order; see `versions`."""
    names = sorted(os.listdir(base)) if base.is_dir() else []
    numbers = ((version_number(name), base / name) for name in names)
    return dict(sorted((number, path) for number, path in numbers if number is not None))
