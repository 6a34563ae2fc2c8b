"""A folder that appears whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder that becomes `path` when the block ends without an error.

    The block writes into a hidden neighbour of `path`, on the same disk. At the end every file is
    flushed to the disk and one rename puts the folder in place, so a reader sees the old folder or
    the new one and never a half. An error, Ctrl-C included, leaves `path` as it was and removes
    the neighbour.

    Args:
        path: The folder to make. One that is there already is replaced; its parents are made.

    Yields:
        The folder to write into.

    Example:
        >>> import pathlib, tempfile
        >>> out = pathlib.Path(tempfile.mkdtemp()) / "out"
        >>> with atomic_folder(out) as folder:
        ...     _ = (folder / "a.txt").write_text("whole")
        >>> (out / "a.txt").read_text()
        'whole'
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    try:
        yield partial
        for folder, _, names in os.walk(partial):
            for name in names:
                _flush(Path(folder, name))
            _flush(Path(folder))
        partial.chmod(0o777 & ~_umask())  # mkdtemp makes it private; a data folder is not
        _put_in_place(partial, path)
        _flush(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, path: Path) -> None:
    """Renames `partial` to `path`, with what was there moved aside first and then removed."""
    if not path.exists():
        partial.rename(path)
        return
    # A rename cannot replace a folder that has files in it.
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent)) / "old"
    path.rename(old)
    try:
        partial.rename(path)
    except BaseException:
        old.rename(path)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
