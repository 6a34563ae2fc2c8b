"""One process of a cluster on this machine."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

# Asks Linux for SIGKILL at its parent's end (PR_SET_PDEATHSIG) and becomes the command. Not done by
# `preexec_fn`: a fork of a process with threads, gRPC's say, may hang or crash on its way there.
_END_WITH_PARENT = """
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
            [sys.executable, "-c", _END_WITH_PARENT, str(os.getpid()), *command],
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
