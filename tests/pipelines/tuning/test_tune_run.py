import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.__main__ import main
from pipelines.configuration.load_configuration import dump, load_configuration
from tests.pipelines.planted_clicks import clicks_configuration, write_clicks

pytestmark = pytest.mark.long
SPACE = {
    "training.optimizer.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True},
    "model.dim": {"choices": [4, 8]},
}


def write_search(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tuning = {"space": SPACE, "trials": 2, "monitor": "val_auc", "mode": "max"}
    made = clicks_configuration(write_clicks(folder / "clicks.csv", 300), tuning=tuning)
    file = folder / "search.json"
    file.write_text(dump(made), encoding="utf-8")
    return file


def test_a_search_that_is_killed_keeps_what_it_has_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = write_search(tmp_path), tmp_path / "out"
    words = ["tune", "--config", str(config), "--out", str(out)]
    process = subprocess.Popen([sys.executable, "-m", "pipelines", *words])
    second = out / "tuning" / "trials" / "1" / "history.jsonl"
    while not (second.is_file() and second.read_text()):  # one epoch of the second trial is done
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    first = (out / "tuning" / "trials" / "0" / "history.jsonl").read_text()
    assert main(words) == 0
    assert (out / "tuning" / "trials" / "0" / "history.jsonl").read_text() == first
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].split()[:4] == ["trial", "state", "epochs", "value"]
    with (out / "tuning" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["trial"] for row in rows} == {"0", "2"}  # 1 was cut off
    assert (out / "tuning" / "trials.svg").read_text().startswith("<?xml")
    assert list((out / "tuning").glob("trials/*/checkpoints")) == []
    best = load_configuration(out / "tuning" / "best.json")
    assert best.model.dim == int(rows[0]["model.dim"])
