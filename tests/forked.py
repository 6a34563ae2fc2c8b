"""Python processes that start as forks of one that has imported everything already.

Importing TensorFlow takes three seconds, longer than most of what a test's own process does then.
While `installed`, `subprocess` starts `python -m` of our own packages so. All else starts afresh: a
program after `-c`, one with options of Python's own (`-P -m`), and one whose environment differs in
what TensorFlow or Python read on their way up. To whoever started it a fork is a child like any
other, with its pipes, signals and exit status: the server forks twice, and Linux gives the orphan
to the process of the tests (PR_SET_CHILD_SUBREAPER). What starts a cluster has a server of its own,
for the tasks of that are its children.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pipelines.cluster.run_local_cluster import END_WITH_PARENT

ROOT = Path(__file__).parents[1]
FORKED = ("pipelines", "serving", "tests")  # python -m ...; with options of Python's, never
LAUNCHER = "tests.pipelines.cluster.launcher"
_READ_AT_START = (
    "CUDA_",
    "GRPC_",
    "JAX_",
    "KERAS_",
    "LD_",
    "MKL_",
    "OMP_",
    "OPENBLAS_",
    "PYTHON",
    "TF",
    "XLA_",
)
_READ_LATER = {"TF_CONFIG", "TF_CPP_MIN_LOG_LEVEL", "PYTHONPATH"}
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_READ_AT_START) and name not in _READ_LATER
    }


class _Command(NamedTuple):
    """What a process is to run: a module and its arguments, to its parent's end or not."""

    module: list[str]
    ends_with_parent: bool

    @classmethod
    def of(cls, words: Sequence[str]) -> "_Command | None":
        """The command of these words, if it is one to be forked."""
        words = list(words)
        task = words[:3] == [sys.executable, "-c", END_WITH_PARENT]
        if task:
            words = words[4:]
        if words[:2] != [sys.executable, "-m"] or words[2].split(".")[0] not in FORKED:
            return None
        return cls(words[2:], task)

    @property
    def starts_others(self) -> bool:
        return self.module[:2] == ["pipelines", "cluster"] or self.module[0] == LAUNCHER


class _Server:
    """The process that forks.

    Args:
        here: Whether it is itself a fork of this process, which has imported everything.
    """

    def __init__(self, here: bool = False) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self.settings = _settings(os.environ)
        self._socket, other = socket.socketpair()
        parent = os.getpid()
        with other:
            if not here:
                self._process = _Popen(
                    [sys.executable, "-m", "tests.forked", str(other.fileno()), str(parent)],
                    cwd=ROOT,
                    pass_fds=[other.fileno()],
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the tests
                )
            elif not os.fork():
                self._socket.close()
                for number in range(3):  # whoever reads what this process writes waits for its end
                    os.dup2(os.open(os.devnull, os.O_RDWR), number)
                os.setsid()
                _run(other, parent)

    def start(self, request: dict[str, Any], files: Sequence[int]) -> int:
        text = json.dumps(request).encode()
        self._socket.sendall(len(text).to_bytes(8, "big") + text)
        socket.send_fds(self._socket, [b"f"], list(files))
        return int.from_bytes(_exactly(self._socket, 8), "big")

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found


_Popen = subprocess.Popen
_server: _Server | None = None


class _Forked(subprocess.Popen[Any]):
    """`Popen` that asks the server, where that can do what was asked for."""

    def _execute_child(self, args: Any, executable: Any, preexec_fn: Any, *rest: Any) -> None:
        global _server
        (_, pass_fds, cwd, env, _, _, shell) = rest[:7]
        pipes, group = rest[7:13], rest[-1]
        plain = not (executable or preexec_fn or pass_fds or shell or isinstance(args, str))
        environment = dict(os.environ if env is None else env)
        command = _Command.of([*map(os.fspath, args)]) if plain else None
        if command is None or (_server and _settings(environment) != _server.settings):
            super()._execute_child(args, executable, preexec_fn, *rest)  # type: ignore[misc]
            return
        if _server is None:
            if _settings(environment) != _settings(os.environ):
                super()._execute_child(args, executable, preexec_fn, *rest)  # type: ignore[misc]
                return
            _server = _Server()
        request = {
            "command": command,
            "parent": os.getpid(),
            "environment": environment,
            "folder": os.fspath(cwd or os.getcwd()),
            "group": group,
        }
        files = [
            pipes[place] if pipes[place] != -1 else fd for place, fd in ((0, 0), (3, 1), (5, 2))
        ]
        self.pid = _server.start(request, files)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Lets `subprocess` start processes so within."""
    global _server
    subprocess.Popen = _Forked  # type: ignore[misc]
    try:
        yield
    finally:
        subprocess.Popen = _Popen  # type: ignore[misc]
        if _server is not None:
            _server.close()
            _server = None


def preload() -> None:
    """Imports all of ours, and with it all that we use."""
    modules = ["IPython.core.interactiveshell"]  # for notebooks
    for package in ("tfrs_afm", "pipelines", "serving"):
        for path in sorted((ROOT / package).rglob("*.py")):
            words = path.relative_to(ROOT).with_suffix("").parts
            # Keras 3 is for those who ask for it, and its backend is theirs to choose.
            if words[-1] != "__main__" and "keras3" not in words:
                modules.append(".".join(words).removesuffix(".__init__"))
    for module in modules:
        with contextlib.suppress(ImportError):  # of an extra that is not installed
            importlib.import_module(module)


def _serve(connection: socket.socket, reaper: int) -> dict[str, Any] | None:
    """Forks until there is nobody left to ask; in a fork, what it is to run."""
    while True:
        try:
            size = int.from_bytes(_exactly(connection, 8), "big")
        except EOFError:
            return None
        request = json.loads(_exactly(connection, size))
        files = socket.recv_fds(connection, 1, 3)[1]
        told, telling = os.pipe()
        between = os.fork()
        if not between:
            child = os.fork()
            if child:
                os.write(telling, child.to_bytes(8, "big"))
                os._exit(0)
            while os.getppid() != reaper:
                os.sched_yield()
            for number, file in enumerate(files):
                os.dup2(file, number)
            for file in (*files, told, telling, connection.detach()):
                os.close(file)
            return dict(request)
        os.waitpid(between, 0)  # from here on the fork is a child of the tests' process
        connection.sendall(os.read(told, 8))
        for file in (*files, told, telling):
            os.close(file)


def _become(request: dict[str, Any]) -> None:
    """Goes on as the process that was asked for."""
    global _server
    import numpy as np

    command = _Command(*request["command"])
    if command.ends_with_parent:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != request["parent"]:
            sys.exit("the launcher has ended")
    np.random.seed()  # as a process of its own has; Python sees to `random` itself
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    if request["group"] != -1 and request["group"] is not None:
        os.setpgid(0, request["group"])
    paths = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:0] = [request["folder"], *paths]
    sys.argv = ["-m", *command.module[1:]]
    if command.starts_others:
        _server = _Server(here=True)  # while there is one thread
        subprocess.Popen = _Forked  # type: ignore[misc]
    runpy.run_module(command.module[0], run_name="__main__", alter_sys=True)


def _end(status: int) -> NoReturn:
    """Ends as Python does, but for taking down all modules, which takes a second."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(connection: socket.socket, reaper: int) -> NoReturn:
    """Serves, and in each fork does what was asked for, to the end of the process."""
    asked = _serve(connection, reaper)
    if asked is None:
        os._exit(0)
    try:
        _become(asked)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            sys.stderr.write(f"{ending.code}\n")
        _end(ending.code if isinstance(ending.code, int) else int(ending.code is not None))
    except BaseException:
        traceback.print_exc()
        _end(1)
    _end(0)


if __name__ == "__main__":
    preload()
    gc.freeze()  # what it holds is never collected: pages stay shared
    _run(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
