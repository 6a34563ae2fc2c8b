"""Hidden folders in which versions are built, and what killed builders left."""

import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".tmp-"
"""Begins the name of a folder in the making: no server takes it for a version."""


@contextmanager
def staging(base_path: Path) -> Iterator[Path]:
    """A new hidden folder under a base path, removed at the end if it is still there.

    The folder is locked while its process lives. The lock belongs to the folder itself, so it
    needs no file, survives a rename, and a kill of the process opens it at once.

    Args:
        base_path: The model's folder; made if needed.

    Yields:
        The folder. Rename it to keep what is in it.
    """
    base_path.mkdir(parents=True, exist_ok=True)
    folder, lock = _locked(base_path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(base_path: Path) -> tuple[Path, int]:
    while True:
        folder = base_path / f"{PREFIX}{uuid.uuid4().hex}"
        folder.mkdir()  # not mkdtemp: a server under another user must be able to read it
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.stat(folder)  # a cleaner may have been here between mkdir and lock
        except (BlockingIOError, FileNotFoundError):
            os.close(lock)
            continue
        except OSError as error:
            # A file system without locks: build unlocked; nobody can clean there either.
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL):
                os.close(lock)
                raise
        return folder, lock


def clean(base_path: Path) -> list[Path]:
    """Removes the hidden folders of builders that are dead.

    A folder whose builder lives is locked and stays. Any number of processes may clean at once.

    Args:
        base_path: The model's folder.

    Returns:
        The folders that were removed.
    """
    removed = []
    for folder in sorted(base_path.glob(f"{PREFIX}*")):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                removed.append(folder)
        finally:
            os.close(lock)
    return removed
