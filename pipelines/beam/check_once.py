"""Whether each file is named once."""

from collections import Counter
from collections.abc import Sequence


def check_once(files: Sequence[str]) -> None:
    """Refuses a file that is named twice, as its events would count twice.

    Raises:
        ValueError: If there is one.
    """
    for file, count in Counter(files).items():
        if count > 1:
            raise ValueError(
                f"`files` must name each file once. Received: {file}, which {count} patterns find."
            )
