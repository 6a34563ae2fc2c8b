"""A folder that one process works in at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder during the block.

    The lock is the kernel's: it goes with the process however that ends, so that a run that was
    killed leaves no folder locked. The file `.lock` stays and names the process that had it last.

    Args:
        folder: The folder; made where it is missing.

    Yields:
        Nothing.

    Raises:
        ValueError: If another process, or another block in this one, has the lock.

    Example:
        >>> import tempfile
        >>> with locked_folder(Path(tempfile.mkdtemp()) / "run"):
        ...     pass
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Opened without truncation: the number of the process that has it must stay readable.
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(descriptor, 64).decode(errors="replace").strip() or "another"
            raise ValueError(
                "`folder` must not be in use by another run. Received: "
                f"folder={folder}, in use by process {owner}. Wait for it, end it, or take "
                "another folder."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
