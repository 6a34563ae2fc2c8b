"""Files and folders that appear whole or not at all, and the hash of what is in them."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic


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
    if path.is_symlink():
        path.unlink()
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


def remove_folder(path: Path) -> None:
    """Removes what is there, if anything is; of a link the link, and nothing that it leads to.

    Args:
        path: A folder, a file or a link.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp())
        >>> remove_folder(path)
        >>> path.exists()
        False
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


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


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yields where to write a file that becomes `path` when the block ends without an error.

    At the end it is flushed to the disk and renamed into place, so a reader sees the old file or
    the new one and never a half. An error, Ctrl-C included, leaves `path` as it was.

    Args:
        path: The file to make. One that is there already is replaced; its parents are made.

    Yields:
        The path to write to: of the same name, in a private folder beside it.

    Example:
        >>> import pathlib, tempfile
        >>> out = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic_file(out) as partial:
        ...     _ = partial.write_text("whole")
        >>> out.read_text()
        'whole'
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    partial = folder / path.name
    try:
        yield partial
        descriptor = os.open(partial, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # A file made inside the private folder has the user's usual mode, unlike mkstemp's.
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
        folder.rmdir()


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` under a temporary name, flushes it and renames it into place.

    Args:
        path: The file; one that is there already is replaced. Its parents are made.
        text: What to write, as UTF-8.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "metrics.json"
        >>> write_text(path, "{}")
        >>> path.read_text()
        '{}'
    """
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Reads what `write_text` wrote as JSON: an object, whole.

    Args:
        path: The file.

    Raises:
        ValueError: If it was cut, emptied or written over since; it names the file.
    """
    return parsed_json(path.read_bytes(), path)


def parsed_json(content: bytes, path: Path) -> dict[str, Any]:
    """Reads JSON that is at hand; otherwise as `read_json`.

    Args:
        content: The file, or a line of it.
        path: The file, for messages.
    """
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        found = error
    if not isinstance(found, dict):
        raise damaged(path, found if isinstance(found, Exception) else f"a {type(found).__name__}")
    return found


def damaged(path: Path, what: Any) -> ValueError:
    """Returns the error for a file of ours whose content is not what we write.

    Args:
        path: The file.
        what: What is there instead; an error of pydantic names the key.
    """
    if isinstance(what, pydantic.ValidationError):
        first = what.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the whole"
        what = f"for {key}: {first['msg']}"
    return ValueError(
        f"`{path}` must be as it was written, an object in JSON. Received: {what}. It was "
        "damaged since: copy it again, or make what it belongs to in another folder."
    )


def content_hash(files: Iterable[Path], settings: Mapping[str, Any]) -> str:
    """Returns a key that changes when a byte of a file or a setting changes.

    Names and places of the files do not count, so a copy elsewhere has the same key.

    Args:
        files: Files to read, in an order that matters.
        settings: What else decides the result; must be writable as JSON.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> len(content_hash([], {"history": 50}))
        64
    """
    total = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        total.update(bytes.fromhex(file_sha256(path)))
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal digits, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
