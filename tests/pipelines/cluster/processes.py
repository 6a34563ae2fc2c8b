"""Programs in processes of their own, ended in any case."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipelines.cluster.run_local_cluster import run_local_cluster

ROOT = Path(__file__).parents[3]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
PROGRAM = [sys.executable, "-m", "tests.pipelines.cluster.runs"]


def run_alone(*words: str, timeout: float = 600.0) -> str:
    done = subprocess.run(
        [*PROGRAM, *words] if words[0] != "pipelines" else [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


class Killing:
    """Lines of a cluster; kills one of its processes at each of some moments.

    Args:
        moments: Name of a process, and how many lines "goes on" it has written by then since the
            cluster was started.
        told_by: Name of the process whose lines count, if it is one for all.
    """

    def __init__(self, moments: Sequence[tuple[str, int]], told_by: str | None = None) -> None:
        self._told_by = told_by
        self.lines: list[str] = []
        self.killed: list[str] = []
        self._moments = list(moments)
        self._pids: dict[str, int] = {}
        self._count = 0

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        name, _, text = line[1:].partition("] ")
        if started := re.fullmatch(r"process (\d+)", text):
            self._pids[name] = int(started[1])
            self._count = 0
        if not self._moments or text != "goes on":
            return
        if name != (self._told_by or self._moments[0][0]):
            return
        self._count += 1
        if self._count == self._moments[0][1]:
            victim, _ = self._moments.pop(0)
            self.killed.append(victim)
            os.kill(self._pids[victim], signal.SIGKILL)


def run_cluster(
    monkeypatch: pytest.MonkeyPatch,
    *words: str,
    ps: int = 0,
    kill: Sequence[tuple[str, int]] = (),
) -> list[str]:
    """Runs the program on two workers; each process ends itself after ten minutes."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    lines = Killing(kill, "chief 0" if ps else None)
    status = run_local_cluster(
        [*PROGRAM, *words],
        2,
        ps=ps,
        restarts=len(kill),
        on_restart=["--resume"],
        on_line=lines,
    )
    assert status == 0, "\n".join(lines.lines[-60:])
    assert lines.killed == [name for name, _ in kill]
    return lines.lines
