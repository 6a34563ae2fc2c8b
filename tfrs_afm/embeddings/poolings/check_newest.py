"""The two ends of a sequence."""


def check_newest(newest: str) -> str:
    """Returns `newest`, or raises a ValueError if it is neither "last" nor "first"."""
    if newest not in ("last", "first"):
        raise ValueError(
            f"`newest` must be 'last' or 'first'. Received: newest={newest!r}. "
            "Say at which end of the sequence the newest id stands."
        )
    return newest
