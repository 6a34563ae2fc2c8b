"""A cluster of processes on this machine."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

# Asks Linux for SIGKILL at its parent's end (PR_SET_PDEATHSIG) and becomes the command. Not done by
# `preexec_fn`: a fork of a process with threads, gRPC's say, may hang or crash on its way there.
END_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the launcher has ended")
os.execvp(sys.argv[2], sys.argv[2:])
"""


class LocalTask:
    """A process with its place in the cluster in TF_CONFIG; it ends when this process ends.

    Args:
        command: The words of its command.
        cluster: Kind of task -> addresses.
        kind: Its own kind.
        index: Its own number.
        on_line: Called with each line that it writes, from another thread.

    Attributes:
        name: As "worker 0".
        kind: As "worker".
        index: As 0.
        is_chief: Whether its end is the end of the whole run.
        process: The process.
    """

    def __init__(
        self,
        command: Sequence[str],
        cluster: Mapping[str, Sequence[str]],
        kind: str,
        index: int,
        on_line: Callable[[str], None],
    ) -> None:
        self.name = f"{kind} {index}"
        self.kind, self.index = kind, index
        self.is_chief = kind == "chief" or ("chief" not in cluster and self.name == "worker 0")
        config = {"cluster": dict(cluster), "task": {"type": kind, "index": index}}
        self.process = subprocess.Popen(
            [sys.executable, "-c", END_WITH_PARENT, str(os.getpid()), *command],
            env={**os.environ, "TF_CONFIG": json.dumps(config)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C in a terminal reaches this process alone, which then ends the others in order.
            process_group=0,
        )
        on_line(f"[{self.name}] process {self.process.pid}")
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self, seconds: float) -> None:
        """Ends the process, after as many seconds for it to end by itself on SIGTERM."""
        if self.process.poll() is None and seconds:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5.0)  # what it wrote last

    def _read(self) -> None:
        if self.process.stdout is not None:
            with self.process.stdout as lines:
                for line in lines:
                    self._on_line(f"[{self.name}] {line.rstrip()}")


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


def free_addresses(number: int) -> list[str]:
    """Finds free ports of the loopback interface.

    Args:
        number: How many.

    Returns:
        Distinct addresses, as "127.0.0.1:40123".

    Example:
        >>> len(set(free_addresses(3)))
        3
    """
    with contextlib.ExitStack() as stack:
        # All at once: a port that was given back may be given out again.
        bound = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in bound:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in bound]
