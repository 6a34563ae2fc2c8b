"""How long calls take."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def latencies(call: Callable[[int], object], count: int, *, clients: int = 1) -> list[float]:
    """Calls a function many times, from several threads at once.

    Args:
        call: What to time; gets the number of the call.
        count: How many calls in all. Positive.
        clients: How many threads call at the same time. Positive.

    Returns:
        Seconds of each call, sorted.

    Example:
        >>> len(latencies(lambda number: None, 10, clients=2))
        10
    """
    numbers = iter(range(count))
    lock = threading.Lock()

    def work(_: int) -> list[float]:
        taken: list[float] = []
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return taken
            start = time.perf_counter()
            call(number)
            taken.append(time.perf_counter() - start)

    with ThreadPoolExecutor(clients) as threads:
        return sorted(one for part in threads.map(work, range(clients)) for one in part)
