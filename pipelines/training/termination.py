"""SIGTERM as a request and not as an end."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def termination() -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether SIGTERM came during the block.

    Machines that are taken away and schedulers of clusters send it some seconds before SIGKILL. A
    second one ends the process at once. Outside of the main thread Python lets nobody handle
    signals; SIGTERM then does what it always does.

    Example:
        >>> with termination() as asked:
        ...     asked()
        False
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came = threading.Event()

    def note(number: int, _: Any) -> None:
        came.set()
        signal.signal(number, signal.SIG_DFL)

    former = signal.signal(signal.SIGTERM, note)
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGTERM, former)
