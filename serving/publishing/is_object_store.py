"""Folders and object stores, told apart."""

import os
import re
from typing import TypeGuard

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
