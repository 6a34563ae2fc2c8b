import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.cluster.run_local_cluster import run_local_cluster
from tests.pipelines.cluster.processes import ROOT


def run(
    program: str, *words: str, workers: int = 2, ps: int = 0, restarts: int = 0
) -> tuple[int, list[str]]:
    lines: list[str] = []
    command = [sys.executable, "-c", "import json, os, signal, sys, time\n" + program, *words]
    status = run_local_cluster(
        command, workers, ps=ps, restarts=restarts, on_restart=["again"], on_line=lines.append
    )
    return status, [line for line in lines if "] process " not in line]


def test_each_process_knows_its_place_and_its_lines_have_its_name() -> None:
    status, lines = run("print(os.environ['TF_CONFIG'])", workers=3)
    assert status == 0
    found = dict(line[1:].split("] ", 1) for line in lines)
    assert sorted(found) == ["worker 0", "worker 1", "worker 2"]
    configs = [json.loads(text) for text in found.values()]
    assert len({json.dumps(config["cluster"]) for config in configs}) == 1
    assert len(set(configs[0]["cluster"]["worker"])) == 3
    assert all(one.startswith("127.0.0.1:") for one in configs[0]["cluster"]["worker"])


KIND = "kind = json.loads(os.environ['TF_CONFIG'])['task']['type']\n"


@pytest.mark.long
def test_servers_have_a_chief_whose_end_is_theirs() -> None:
    program = KIND + "print(kind, flush=True)\ntime.sleep(2 if kind == 'chief' else 100)"
    began = time.monotonic()
    status, lines = run(program, workers=2, ps=1)
    assert status == 0
    assert sorted(lines) == [
        "[chief 0] chief",
        "[ps 0] ps",
        "[worker 0] worker",
        "[worker 1] worker",
    ]
    assert time.monotonic() - began < 60


@pytest.mark.long
def test_a_worker_that_is_killed_is_started_again_alone(tmp_path: Path) -> None:
    program = KIND + (
        "first = kind == 'worker' and not os.path.exists(sys.argv[1])\n"
        "open(sys.argv[1], 'w').close() if first else None\n"
        "print(kind, sys.argv[2:], flush=True)\n"
        "os.kill(os.getpid(), 9) if first else time.sleep(4 if kind == 'chief' else 100)"
    )
    status, lines = run(program, str(tmp_path / "killed"), workers=1, ps=1, restarts=2)
    assert status == 0
    told = "[worker 0] was killed; starting it again, 1 restarts left"
    assert sorted(lines) == sorted(
        ["[chief 0] chief []", "[ps 0] ps []", *["[worker 0] worker []"] * 2, told]
    )


@pytest.mark.long
@pytest.mark.parametrize("victim", ["ps", "chief"])
def test_without_a_server_or_the_chief_all_start_again(victim: str) -> None:
    program = KIND + (
        f"kind == {victim!r} and 'again' not in sys.argv and os.kill(os.getpid(), 9)\n"
        "time.sleep(1 if kind == 'chief' and 'again' in sys.argv else 100)"
    )
    status, lines = run(program, workers=1, ps=1, restarts=1)
    assert status == 0
    assert lines == [f"[{victim} 0] was killed; starting all again, 0 restarts left"]


WAITS = "time.sleep(100 if '\"index\": 0' in os.environ['TF_CONFIG'] else 0)\n"


def test_an_error_of_one_ends_the_others_and_is_the_exit_status() -> None:
    began = time.monotonic()
    assert run(WAITS + "sys.exit(7)", restarts=3) == (7, [])
    assert time.monotonic() - began < 20


def test_a_process_that_is_killed_makes_all_start_again() -> None:
    program = WAITS.replace("100", "0 if 'again' in sys.argv else 100")
    program += "'again' in sys.argv or os.kill(os.getpid(), 9)\nprint('done')"
    status, lines = run(program, restarts=2)
    assert status == 0
    assert "was killed; starting all again, 1 restarts left" in lines[0]
    assert sorted(lines[1:]) == ["[worker 0] done", "[worker 1] done"]


def test_there_are_no_more_restarts_than_were_asked_for() -> None:
    status, lines = run("os.kill(os.getpid(), 9)", restarts=1)
    assert status == 128 + 9
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("number", "status", "kept"), [(signal.SIGTERM, 3, True), (signal.SIGKILL, -9, False)]
)
def test_no_process_outlives_the_launcher(
    number: int, status: int, kept: bool, tmp_path: Path
) -> None:
    child = (
        "import os, pathlib, signal, sys, time\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "def end(*_):\n"
        "    (folder / f'{os.getpid()}.saved').touch()\n"
        "    sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(100)\n"
    )
    launcher = (
        "import sys\n"
        "from pipelines.cluster.run_local_cluster import run_local_cluster\n"
        f"command = [sys.executable, '-c', {child!r}]\n"
        "told = lambda line: print(line, flush=True)\n"
        "sys.exit(run_local_cluster(command, 2, on_line=told))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", launcher], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pids, ready = [], 0
        while ready < 2:
            words = process.stdout.readline().split()
            ready += words[-1] == "ready"
            pids += [int(words[-1])] if words[-2] == "process" else []
        handles = [os.pidfd_open(pid) for pid in pids]
        process.send_signal(number)
        process.stdout.read()  # until the last of them has closed it
        assert process.wait(30) == status
    assert len(pids) == 2
    for pid, handle in zip(pids, handles, strict=True):
        assert select.select([handle], [], [], 30)[0]  # readable once the process has ended
        os.close(handle)
        assert (tmp_path / f"{pid}.saved").exists() == kept


@pytest.mark.parametrize("changed", [{"workers": 0}, {"ps": -1}, {"restarts": -1}])
def test_a_number_out_of_range_is_named(changed: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(changed))}` must be at least"):
        run("", **changed)
