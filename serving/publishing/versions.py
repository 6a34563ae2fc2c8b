"""The versions under a base path, as TensorFlow Serving counts them."""

import os
import re
from pathlib import Path

_NUMBER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)


def versions(base_path: str | os.PathLike[str]) -> dict[int, Path]:
    """The version folders of a model, in rising order.

    TensorFlow Serving takes every child whose name it can read as a 64-bit integer, leading
    zeros and even plain files included; other names it ignores. Where two names are one number,
    the last in name order counts.

    Args:
        base_path: The model's folder; one that does not exist has no versions.

    Example:
        >>> versions("no/such/model")
        {}
    """
    base = Path(base_path)
    names = sorted(os.listdir(base)) if base.is_dir() else []
    found = {
        int(name): base / name
        for name in names
        if _NUMBER.fullmatch(name) and -(2**63) <= int(name) < 2**63
    }
    return dict(sorted(found.items()))
