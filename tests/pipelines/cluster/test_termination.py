import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.cluster.processes import QUIET, ROOT, run_alone
from tests.pipelines.cluster.results import difference

LAUNCHER = """
import sys
from pipelines.cluster.run_local_cluster import run_local_cluster
from tests.pipelines.cluster.processes import PROGRAM
told = lambda line: print(line, flush=True)
sys.exit(run_local_cluster([*PROGRAM, *sys.argv[1:]], 2, on_line=told))
"""


@pytest.mark.long
def test_sigterm_saves_what_all_processes_have_done(tmp_path: Path) -> None:
    words = ["multi_worker_mirrored", str(tmp_path / "two"), "--optimizers", "adam", "--tell"]
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, *words],
        cwd=ROOT,
        env={**os.environ, **QUIET},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen += line == "[worker 1] goes on\n"
            if seen == 6:
                process.send_signal(signal.SIGTERM)
                break
        process.stdout.read()
        assert process.wait(60) == 143
    # Where one process goes on.
    for name, more in (("one", []), ("two", ["--resume"])):
        run_alone("one", str(tmp_path / name), "--optimizers", "adam", *more)
    assert difference(tmp_path / "one" / "adam", tmp_path / "two" / "adam") < 1e-6
