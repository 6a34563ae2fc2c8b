"""Hidden folders in which versions are built, and what killed builders left."""

import ctypes
import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
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
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        except OSError:  # a link or a file that somebody was killed while pruning
            if folder.is_symlink() or folder.is_file():
                with suppress(OSError):
                    folder.unlink()
                    removed.append(folder)
            continue
        try:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                removed.append(folder)
        finally:
            os.close(lock)
    return removed


_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def rename_new(source: Path, target: Path) -> None:
    """Renames a folder to a name that must be free, in one step.

    A plain rename would replace an empty folder, for instance one into which somebody is just
    about to copy a model. Linux can refuse that; where the file system cannot, a plain rename
    still never replaces a folder with something in it.

    Args:
        source: The folder.
        target: Its new name, on the same file system.

    Raises:
        FileExistsError: If the name is taken.
        OSError: If the rename fails for another reason.
    """
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is not None:
        names = os.fsencode(source), os.fsencode(target)
        if not renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE):
            return
        code = ctypes.get_errno()
        if code not in _UNSUPPORTED:
            raise OSError(code, os.strerror(code), str(source), None, str(target))
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        raise


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


def build(write: Callable[[Path], None], folder: Path) -> None:
    """Has `write` fill a folder, and makes sure that a SavedModel is in it.

    Raises:
        ValueError: If there is no `saved_model.pb`, or something that is no file.
    """
    write(folder)
    if not (folder / "saved_model.pb").is_file():
        raise ValueError(
            f"`write` must write a SavedModel. Received: write={write!r}, which wrote no "
            "saved_model.pb. Save into the folder that it is given."
        )
    odd = no_files(folder)
    if odd:
        raise ValueError(
            f"`write` must write files and folders. Received: write={write!r}, which wrote "
            f"'{odd[0].relative_to(folder)}', a pipe, a socket, a device or a link to nothing. "
            "Leave it out: whoever opens it may wait for ever."
        )


def no_files(folder: Path) -> list[Path]:
    """What is in a folder and neither file nor folder, such as a pipe, which nobody may open."""
    return [
        path
        for place, _, names in os.walk(folder)
        for path in (Path(place, name) for name in names)
        if not path.is_file()
    ]
