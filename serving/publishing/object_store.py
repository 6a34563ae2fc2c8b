"""Publishing where nothing can be renamed: `saved_model.pb` is uploaded last and removed first.

Only this file talks to object stores, through fsspec: `s3://` by s3fs, `gs://` by gcsfs, `az://`
and `abfs://` by adlfs, `memory://`, and whatever else fsspec knows. Endpoints and credentials are
theirs to find, in the environment or in fsspec's own configuration; there are no options here.
"""

import errno
import logging
import random
import re
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from serving.publishing.disk import build
from serving.publishing.names import next_number, version_number

_log = logging.getLogger(__name__)
_MODEL = "saved_model.pb"
_CLAIM = re.compile(r"\.claim-(\d+)(-[0-9a-f]+)?")
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")  # S3's codes
_PAUSE_SECONDS = 0.2


def publish_to_store(write: Callable[[Path], None], base: str) -> str:
    """Writes a model into a local folder and uploads it as the next version; see `publish`.

    Args:
        write: Fills the folder it is given.
        base: The model's address.

    Returns:
        The address of the version.
    """
    store, path = _opened(base)  # before the model is written: an extra may be missing
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "saved_model"
        folder.mkdir()
        build(write, folder)
        with _store_errors(base), _claim(store, path) as number:
            _upload(store, folder, f"{path}/{number}")
    return f"{base.rstrip('/')}/{number}"


def store_versions(base: str) -> dict[int, str]:
    """The whole versions under an address, in rising order; see `versions`.

    Without `saved_model.pb` a version is being uploaded, or its exporter was killed.

    Args:
        base: The model's address; one that does not exist has no versions.
    """
    store, path = _opened(base)
    found = {}
    with _store_errors(base):
        for file in _files(store, path):  # one listing costs less than a question a version
            name, _, rest = file.partition("/")
            number = version_number(name)
            if number is not None and rest == _MODEL:
                found[number] = f"{base.rstrip('/')}/{name}"
    return dict(sorted(found.items()))


def download(address: str, folder: Path) -> None:
    """Copies everything under an address into a local folder.

    Args:
        address: The folder in the store.
        folder: The local one, which exists and is empty.

    Raises:
        FileNotFoundError: If there is nothing under the address.
        ValueError: If an object's name leads out of the folder.
    """
    store, path = _opened(address)
    with _store_errors(address):
        files = [name for name in _files(store, path) if not name.endswith("/")]
        if not files:
            raise FileNotFoundError(
                f"`address` must hold a model. Received: address={address!r}, where nothing is. "
                "Give the address of a version."
            )
        for name in files:
            if name.startswith("/") or ".." in name.split("/"):
                raise ValueError(
                    f"`address` must hold names of files. Received: address={address!r} with "
                    f"{name!r}, which leads out of the folder. Remove that object."
                )
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            store.get_file(f"{path}/{name}", str(folder / name))


def remove_version(address: str) -> bool:
    """Removes a version, `saved_model.pb` first: no server may load what is half gone.

    Args:
        address: The version; one that is not there is no error. Where the store does not answer,
            the rest stays: without `saved_model.pb` it does not count as a version.

    Returns:
        Whether it no longer counts as a version because of this call.
    """
    return _remove(*_opened(address))


def _opened(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        ImportError: If fsspec, or its package for the protocol, is not installed.
        ValueError: If fsspec does not know the protocol.
    """
    try:
        import fsspec
    except ImportError as error:
        raise ImportError(
            "fsspec must be installed to publish to an object store. Received: "
            f"base_path={address!r}. Run: pip install 'tfrs-afm[stores]'."
        ) from error
    protocol = address.partition("://")[0].rpartition("::")[2]
    if protocol not in fsspec.available_protocols():
        raise ValueError(
            "`base_path` must be a folder, or an address that fsspec knows. Received: "
            f"base_path={address!r}. Begin it with s3://, gs://, az:// or memory://."
        )
    try:
        with _store_errors(address):
            # A listing from a cache could miss the version or claim of another exporter.
            store, path = fsspec.core.url_to_fs(address, use_listings_cache=False)
    except ImportError as error:
        raise ImportError(
            f"`base_path` must be in a store whose package is installed. Received: base_path="
            f"{address!r} ({error}). Run: pip install 'tfrs-afm[stores]', which brings s3fs for "
            "s3://, gcsfs for gs://, and adlfs for az:// and abfs://."
        ) from error
    return store, path.rstrip("/")


@contextmanager
def _store_errors(address: str) -> Iterator[None]:
    """What a store's package raises of its own (no credentials, no connection) as an OSError."""
    try:
        yield
    except (OSError, ValueError, ImportError):
        raise
    except Exception as error:
        raise OSError(
            f"`base_path` must be in a store that answers. Received: base_path={address!r} "
            f"({type(error).__name__}: {error}). Check the address, the endpoint and the "
            "credentials."
        ) from error


@contextmanager
def _claim(store: Any, path: str) -> Iterator[int]:
    """Takes the number above all that are there or claimed, as long as the block runs.

    Two small objects make a claim. `.claim-<number>` is written on the condition that it is not
    there, which one exporter alone achieves. Some stores ignore the condition, so the exporter
    also writes `.claim-<number>-<random>` and then looks: where it sees the number, a higher one
    or another claim on it, it withdraws and tries again. Of two that look after they wrote, at
    least one sees the other. A claim goes when the upload is whole or removed; that of a killed
    exporter stays, and its number is never used.

    Args:
        store: The file system.
        path: The model's folder in it.

    Yields:
        The number.
    """
    while True:
        number = next_number(max((_number(name) for name in _names(store, path)), default=0), path)
        mine = [f".claim-{number}", f".claim-{number}-{uuid.uuid4().hex}"]
        written: list[str] = []
        try:
            for name in mine:
                if not _create(store, f"{path}/{name}"):
                    break
                written.append(name)
            else:
                if not any(_bars(name, number) for name in _names(store, path) - set(mine)):
                    yield number
                    return
        finally:
            for name in written:
                with suppress(Exception):  # what is left only takes a number
                    store.rm_file(f"{path}/{name}")
        time.sleep(random.uniform(0.0, _PAUSE_SECONDS))  # two that withdrew must not go in step


def _create(store: Any, path: str) -> bool:
    """Writes a small object; False where the store says that there is one."""
    data = b"claimed"  # some stores make no object of no bytes
    try:
        store.pipe_file(path, data, mode="create")
    except FileExistsError:
        return False
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"`base_path` must be in a bucket that exists. Received: {path.rpartition('/')[0]!r} "
            f"({error}). Create the bucket first."
        ) from error
    except OSError as error:
        # s3fs knows the refusal of AWS alone; other servers leave out what it looks for.
        response = getattr(error.__cause__, "response", None) or {}
        if response.get("Error", {}).get("Code") in _TAKEN:
            return False
        if error.errno != errno.ENOSYS:
            raise
        store.pipe_file(path, data)
    except (NotImplementedError, TypeError):  # a store without conditions
        store.pipe_file(path, data)
    return True


def _number(name: str) -> int:
    """The number that a name takes, 0 for a name that takes none."""
    claimed = _CLAIM.fullmatch(name)
    return max(version_number(claimed[1] if claimed else name) or 0, 0)


def _bars(name: str, number: int) -> bool:
    """Whether a name that another exporter made forbids a number."""
    found = _number(name)
    # Below the highest no server would look; and a higher one may have pruned the number away.
    return found == number or (found > number and not _CLAIM.fullmatch(name))


def _upload(store: Any, folder: Path, path: str) -> None:
    """Copies a SavedModel file by file, `saved_model.pb` last.

    A server lists the base path while files arrive. Without `saved_model.pb` a version does not
    load, and the server keeps the one before and tries again; with it, but without the
    variables, it would load and fail every request.

    Args:
        store: The file system.
        folder: The SavedModel.
        path: Where to; nothing may be there. If anything fails, what was copied is removed.
    """
    files = [file for file in folder.rglob("*") if file.is_file()]
    whole = False
    try:
        for file in sorted(files, key=lambda file: (file == folder / _MODEL, file)):
            store.put_file(str(file), f"{path}/{file.relative_to(folder).as_posix()}")
        whole = True
    finally:
        if not whole:
            _remove(store, path)


def _remove(store: Any, path: str) -> bool:
    """Removes a folder, `saved_model.pb` first; whether there was something to remove."""
    removed = False
    try:
        for name in sorted(_files(store, path), key=lambda name: (name != _MODEL, name)):
            with suppress(FileNotFoundError):  # another process was faster
                store.rm_file(f"{path}/{name}")
            removed = True
        if store.exists(path):  # where folders are more than parts of names, they are left
            for folder in [*sorted(store.find(path, withdirs=True), reverse=True), path]:
                with suppress(OSError):
                    store.rmdir(folder)
    except Exception as error:
        _log.warning("Could not remove %s: %s", path, error)
    return removed


def _names(store: Any, path: str) -> set[str]:
    """What is in a folder; nothing where there is no such folder."""
    try:
        found = store.ls(path, detail=False)
    except FileNotFoundError:
        return set()
    return {
        name.removeprefix(f"{path}/").rstrip("/")  # some stores mark folders by a slash
        for name in found
        if name.startswith(f"{path}/")
    }


def _files(store: Any, path: str) -> list[str]:
    """The names of all files below a folder, relative to it and sorted."""
    try:
        found = store.find(path)
    except FileNotFoundError:
        return []
    return sorted(name.removeprefix(f"{path}/") for name in found if name.startswith(f"{path}/"))
