"""Workers and parameter servers as processes that outlive a chief for a while."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cluster.run_local_cluster import free_addresses
from pipelines.cluster.serve_task import serve_task
from pipelines.configuration.training import Training
from tests.pipelines.cluster.processes import QUIET, ROOT
from tests.pipelines.planted_clicks import clicks_configuration, write_clicks


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [("one", "worker"), ("multi_worker_mirrored", "worker"), ("parameter_server", "chief")],
)
def test_other_processes_run_the_program_themselves(
    strategy: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps({"task": {"type": kind, "index": 0}}))
    assert not serve_task(Training.model_validate({"strategy": strategy}))


@pytest.mark.long
@pytest.mark.parametrize(("ended", "status"), [(False, 1), (True, 0)])
def test_it_ends_with_the_chief_and_says_whether_the_run_did(
    ended: bool, status: int, tmp_path: Path
) -> None:
    configuration = clicks_configuration(write_clicks(tmp_path / "clicks.csv"))
    (tmp_path / "run.json").write_text(configuration.model_dump_json())
    out = tmp_path / "out"
    out.mkdir()
    if ended:
        (out / "run.json").write_text('{"model": "AFM"}')
    with socket.create_server(("127.0.0.1", 0)) as chief:
        cluster = {kind: free_addresses(1) for kind in ("worker", "ps")}
        cluster["chief"] = [f"127.0.0.1:{chief.getsockname()[1]}"]
        config = {"cluster": cluster, "task": {"type": "ps", "index": 0}}
        words = ["train", "--config", str(tmp_path / "run.json"), "--out", str(out)]
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pipelines",
                *words,
                "--set",
                "training.strategy=parameter_server",
            ],
            cwd=ROOT,
            env={**os.environ, **QUIET, "TF_CONFIG": json.dumps(config)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            chief.settimeout(120)
            chief.accept()[0].close()  # it has asked for the chief
            assert process.poll() is None
            chief.close()
            said = process.communicate(timeout=120)[1]
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
    assert process.returncode == status
    assert ("The chief must be there until the run has ended" in said) == (not ended)
