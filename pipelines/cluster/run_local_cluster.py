"""A cluster of processes on this machine."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipelines.cluster.free_addresses import free_addresses
from pipelines.cluster.local_task import LocalTask

_POLL = 0.1
_GRACE = 60.0  # to write a checkpoint on SIGTERM


def run_local_cluster(
    command: Sequence[str],
    workers: int,
    *,
    restarts: int = 0,
    on_restart: Sequence[str] = (),
    on_line: Callable[[str], None],
) -> int:
    """Runs a command once for each task of a cluster, on free ports of the loopback interface.

    All workers hold the same model, and the first one is the chief. If a task is killed, all
    others are ended too and everything is started again. SIGTERM to this process goes to all tasks.

    Args:
        command: The words of the command; each process finds its place in TF_CONFIG.
        workers: How many workers.
        restarts: How often to start again after a task was killed by a signal. One that ended with
            an error of its own would do so again.
        on_restart: Words to add to the command from then on, as "--resume".
        on_line: Called with each line that a task writes, its name in front.

    Returns:
        The exit status: that of the chief, or of the task that failed, 128 and its number for a
        signal.

    Raises:
        ValueError: If a number is out of range.
    """
    for name, value, least in (("workers", workers, 1), ("restarts", restarts, 0)):
        if value < least:
            raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}.")
    lock = threading.Lock()

    def told(line: str) -> None:
        with lock:
            on_line(line)

    words = list(command)
    with _termination() as asked:
        for left in range(restarts, -1, -1):
            cluster = {"worker": free_addresses(workers)}
            tasks: list[LocalTask] = []
            try:
                for kind, addresses in cluster.items():
                    for index in range(len(addresses)):
                        tasks.append(LocalTask(words, cluster, kind, index, told))
                failed = _first_failure(tasks, asked)
            finally:
                # Those whose peer is gone may wait for it for ever.
                _end(tasks, _GRACE if asked.is_set() else 0.0)
            if asked.is_set() or failed is None:
                return _status(next(task for task in tasks if task.is_chief))
            if failed.process.returncode > 0 or not left:
                return _status(failed)
            told(f"[{failed.name}] was killed; starting all again, {left - 1} restarts left")
            words = [*command, *on_restart]
    raise AssertionError  # the last turn returns


def _first_failure(tasks: Sequence[LocalTask], asked: threading.Event) -> LocalTask | None:
    """Waits until all have ended well, one has not, or SIGTERM came."""
    while not asked.is_set():
        codes = [task.process.poll() for task in tasks]
        # One that was killed takes others with it: it comes first.
        failed = [task for task, code in zip(tasks, codes, strict=True) if code]
        if failed:
            return min(failed, key=lambda task: int(task.process.returncode))
        if not any(code is None for code in codes):
            return None
        time.sleep(_POLL)
    return None


def _end(tasks: Sequence[LocalTask], seconds: float) -> None:
    threads = [threading.Thread(target=task.end, args=(seconds,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _status(task: LocalTask) -> int:
    code = int(task.process.returncode)
    return 128 - code if code < 0 else code


@contextlib.contextmanager
def _termination() -> Iterator[threading.Event]:
    """Yields an event that SIGTERM and SIGINT set instead of ending this process."""
    asked = threading.Event()

    def note(number: int, _: Any) -> None:
        asked.set()

    numbers = (signal.SIGTERM, signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    former = [signal.signal(number, note) for number in numbers]
    try:
        yield asked
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)
