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
    ps: int = 0,
    restarts: int = 0,
    on_restart: Sequence[str] = (),
    on_line: Callable[[str], None],
) -> int:
    """Runs a command once for each task of a cluster, on free ports of the loopback interface.

    Without parameter servers all workers hold the same model, and the first one is the chief. With
    them the chief is a task of its own, and a worker holds nothing: one that is killed is started
    again alone. If any other task is killed, all others are ended too and everything is started
    again. SIGTERM to this process goes to all tasks, or to the chief, which needs the others.

    Args:
        command: The words of the command; each process finds its place in TF_CONFIG.
        workers: How many workers.
        ps: How many parameter servers.
        restarts: How often to start again after a task was killed by a signal. One that ended with
            an error of its own would do so again.
        on_restart: Words to add to the command once all are started again, as "--resume".
        on_line: Called with each line that a task writes, its name in front.

    Returns:
        The exit status: that of the chief, or of the task that failed, 128 and its number for a
        signal.

    Raises:
        ValueError: If a number is out of range.
    """
    for name, value, least in (("workers", workers, 1), ("ps", ps, 0), ("restarts", restarts, 0)):
        if value < least:
            raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}.")
    lock = threading.Lock()

    def told(line: str) -> None:
        with lock:
            on_line(line)

    numbers = {"chief": 1, "worker": workers, "ps": ps} if ps else {"worker": workers}
    words, left = list(command), restarts
    with _termination() as asked:
        while True:
            cluster = {kind: free_addresses(number) for kind, number in numbers.items()}
            tasks: list[LocalTask] = []
            try:
                for kind, number in numbers.items():
                    for index in range(number):
                        tasks.append(LocalTask(words, cluster, kind, index, told))
                while failed := _first_failure(tasks, asked):
                    alone = ps and failed.kind == "worker" and failed.process.returncode < 0
                    if not alone or not left:
                        break
                    left -= 1
                    told(f"[{failed.name}] was killed; starting it again, {left} restarts left")
                    again = LocalTask(words, cluster, failed.kind, failed.index, told)
                    tasks[tasks.index(failed)] = again
            finally:
                # Those whose peer is gone may wait for it for ever.
                _end(tasks, _GRACE if asked.is_set() else 0.0)
            if asked.is_set() or failed is None:
                return _status(next(task for task in tasks if task.is_chief))
            if failed.process.returncode > 0 or not left:
                return _status(failed)
            left -= 1
            told(f"[{failed.name}] was killed; starting all again, {left} restarts left")
            words = [*command, *on_restart]


def _first_failure(tasks: Sequence[LocalTask], asked: threading.Event) -> LocalTask | None:
    """Waits until all that take part in the end have ended well, one has not, or SIGTERM came."""
    # Servers have no end of their own.
    ending = [task for task in tasks if task.kind == "chief"] or tasks
    while not asked.is_set():
        # One that was killed takes others with it: it comes first.
        failed = [task for task in tasks if task.process.poll()]
        if failed:
            return min(failed, key=lambda task: int(task.process.returncode))
        if not any(task.process.returncode is None for task in ending):
            return None
        time.sleep(_POLL)
    return None


def _end(tasks: Sequence[LocalTask], seconds: float) -> None:
    """Ends all: where a chief needs the others to write a checkpoint, those after it."""
    first = [task for task in tasks if task.kind == "chief"] or list(tasks)
    others = [task for task in tasks if task not in first]
    for group, grace in ((first, seconds), (others, 0.0)):
        threads = [threading.Thread(target=task.end, args=(grace,)) for task in group]
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
