import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked import LAUNCHER
from tests.pipelines.cluster.processes import QUIET, ROOT, run_alone
from tests.pipelines.cluster.results import curve, difference


def stopped(strategy: str, teller: str, folder: Path, *words: str) -> None:
    """Trains in a cluster, to which SIGTERM comes in the sixth step of the process that tells."""
    words = (strategy, str(folder), "--optimizers", "adam", "--tell", *words)
    with subprocess.Popen(
        [sys.executable, "-m", LAUNCHER, *words],
        cwd=ROOT,
        env={**os.environ, **QUIET},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen += line == f"[{teller}] goes on\n"
            if seen == 6:
                process.send_signal(signal.SIGTERM)
                break
        process.stdout.read()
        assert process.wait(60) == 143


@pytest.mark.long
def test_sigterm_saves_what_all_processes_have_done(tmp_path: Path) -> None:
    stopped("multi_worker_mirrored", "worker 1", tmp_path / "two")
    # Where one process goes on.
    for name, more in (("one", []), ("two", ["--resume"])):
        run_alone("one", str(tmp_path / name), "--optimizers", "adam", *more)
    assert difference(tmp_path / "one" / "adam", tmp_path / "two" / "adam") < 1e-6


@pytest.mark.long
def test_sigterm_to_a_chief_saves_what_its_servers_hold(tmp_path: Path) -> None:
    stopped("parameter_server", "chief 0", tmp_path, "--no-average")
    last = max((tmp_path / "adam" / "checkpoints").glob("step-*")).name
    assert 5 <= int(last.removeprefix("step-")) <= 10
    words = ["--optimizers", "adam", "--no-average", "--resume"]
    run_alone("one", str(tmp_path), *words)
    assert [record["step"] for record in curve(tmp_path / "adam")] == [10, 20]
