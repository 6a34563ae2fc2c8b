"""Bytes that survive a power cut."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Forces a folder's own entries, its names, to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Forces every file and folder under a folder, and the folder itself, to disk.

    Without this a rename can reach the disk before the data does, and a machine that loses power
    comes back with a version of empty files.
    """
    for place, _, files in os.walk(folder, topdown=False):
        for name in files:
            handle = os.open(os.path.join(place, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(place))
