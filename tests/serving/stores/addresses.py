"""What is at an address of a store, for tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

from serving.publishing import object_store

NAMES = ["assets.extra/tfrs_afm.json", "saved_model.pb", "variables/variables.index"]


def write(text: str) -> Callable[[Path], None]:
    def into(folder: Path) -> None:
        for name in NAMES:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    return into


def opened(address: str) -> tuple[Any, str]:
    """The very file system that is published through, and the path in it."""
    return object_store._opened(address)


def put(address: str, text: str = "by others") -> None:
    store, path = opened(address)
    store.pipe_file(path, text.encode())


def read(address: Any, name: str = "saved_model.pb") -> str:
    store, path = opened(str(address))
    return bytes(store.cat_file(f"{path}/{name}")).decode()


def files(address: str) -> list[str]:
    """All files under an address, and all folders where the store has some."""
    store, path = opened(address)
    found = store.find(path, withdirs=isinstance(store, MemoryFileSystem))
    return sorted(one.removeprefix(f"{path}/") for one in found if not store.isdir(one))
