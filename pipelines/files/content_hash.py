"""One short key for the contents of files and the settings they are used with."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


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
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
