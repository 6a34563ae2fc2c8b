"""Waiting for something to become true, with a deadline."""

import threading
import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Returns when the condition holds; fails after the deadline."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not true within {seconds} seconds: {condition}")
        pause.wait(0.01)
