"""What names mean: version numbers, and folders as against object stores."""

import os
import re
from pathlib import Path
from typing import TypeGuard


def folder_versions(base: Path) -> dict[int, Path]:
    """The version folders under a local base path, in rising order; see `versions`."""
    names = sorted(os.listdir(base)) if base.is_dir() else []
    numbers = ((version_number(name), base / name) for name in names)
    return dict(sorted((number, path) for number, path in numbers if number is not None))


_NUMBER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)


def version_number(name: str) -> int | None:
    """The number that TensorFlow Serving reads from a name, None for a name that it ignores.

    Example:
        >>> version_number("007"), version_number(".tmp-7")
        (7, None)
    """
    if _NUMBER.fullmatch(name) and -(2**63) <= int(name) < 2**63:
        return int(name)
    return None


_HIGHEST = 2**63 - 1


def next_number(taken: int, base_path: str | os.PathLike[str]) -> int:
    """The number after the highest that is taken.

    Args:
        taken: That one; 0 for none.
        base_path: The model's folder or address, for the message.

    Raises:
        ValueError: If it is the highest there can be: no server reads a larger one.
    """
    if taken >= _HIGHEST:
        raise ValueError(
            f"`base_path` must have a number left for the next version. Received: base_path="
            f"{base_path} with version {_HIGHEST}, the highest that servers read. Remove or rename "
            "that version."
        )
    return max(taken, 0) + 1


_FLATTENED = re.compile(r"[a-z][a-z0-9]+:/[^/]")


def is_object_store(base_path: str | os.PathLike[str]) -> TypeGuard[str]:
    """Whether a base path is an address that only fsspec can read.

    Args:
        base_path: A folder, or an address such as "gs://bucket/ranker".

    Raises:
        ValueError: If it is a `Path` made from an address: that has lost a slash. Or the address
            of a local folder: that is published to by a rename.

    Example:
        >>> is_object_store("gs://bucket/ranker"), is_object_store("models/ranker")
        (True, False)
    """
    text = os.fspath(base_path)
    if not isinstance(base_path, str) and _FLATTENED.match(text):
        raise ValueError(
            f"`base_path` must be a string for an object store. Received: base_path={base_path!r}. "
            "Give the address as it is, with '://'."
        )
    if text.startswith(("file://", "local://")):
        raise ValueError(
            f"`base_path` must be a path for a local folder. Received: base_path={text!r}. "
            "Leave out what is before the path."
        )
    return "://" in text
