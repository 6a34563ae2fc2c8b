"""Which names TensorFlow Serving takes for versions."""

import re

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
