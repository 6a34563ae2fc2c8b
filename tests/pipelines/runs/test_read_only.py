"""A run that may only be read: what writes into it is refused by name, all else works."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.__main__ import main
from tests.pipelines.planted_clicks import write_clicks

CONFIGURATION = """
columns = [
  {kind = "categorical_column_with_identity", key = "user_id", num_buckets = 30},
  {kind = "categorical_column_with_identity", key = "film_id", num_buckets = 30},
]
[data]
format = "csv"
train = "clicks.csv"
label = "clicked"
split = {by = "random", fractions = [0.6, 0.2, 0.2], seed = 1}
[model]
dim = 2
attention_units = 2
[training]
epochs = 1
[tuning]
trials = 1
space = {"model.dim" = {choices = [2]}}
"""
# Root may write whatever the permissions say, unless it starts without that privilege.
_AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def attempts(read_only: Path, elsewhere: Path) -> dict[str, tuple[list[str], str]]:
    """Words of commands, and the name in the error of those that must fail."""
    run, config = str(read_only / "run"), ["--config", str(read_only / "run.toml")]
    return {
        "evaluate": (["evaluate", "--out", run], "run/.metrics.json."),
        "evaluate files": (
            ["evaluate", "--out", run, "--input", str(read_only / "clicks.csv")],
            "",
        ),
        "predict": (["predict", "--out", run], "run/.predictions.csv."),
        "predict elsewhere": (
            ["predict", "--out", run, "--output", str(elsewhere / "predictions.csv")],
            "",
        ),
        "export": (["export", "--out", run], "run/export'"),
        "export elsewhere": (["export", "--out", run, "--base-path", str(elsewhere / "m")], ""),
        "report": (["report", "--out", run], "run/.report.html."),
        "train again": (["train", *config, "--out", run], ""),  # it has ended: its metrics
        "train": (["train", *config, "--out", str(read_only / "new")], "new'"),
        "prepare": (["prepare", *config, "--out", str(read_only / "data")], "data'"),
        "tune": (["tune", *config, "--out", str(read_only / "tuned")], "tuned'"),
    }


def content(folder: Path) -> dict[str, Any]:
    paths = sorted(folder.rglob("*"))
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


@pytest.mark.long
@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root without setpriv"
)
def test_a_run_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "read_only", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    write_clicks(folder / "clicks.csv", rows=500)
    (folder / "run.toml").write_text(CONFIGURATION)
    words = ["train", "--config", str(folder / "run.toml"), "--out", str(folder / "run")]
    assert main(words) == 0
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = content(folder)
    done = subprocess.run(
        [
            *(_AS_ANYBODY if os.geteuid() == 0 else []),
            *(sys.executable, "-m", "tests.pipelines.runs.test_read_only"),
            *(str(folder), str(elsewhere)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    for path in paths:
        path.chmod(0o755)  # pytest removes them one day
    assert content(folder) == before
    told = json.loads(done.stdout)
    for name, (_, said) in attempts(folder, elsewhere).items():
        status, error = told[name]
        assert status == (1 if said else 0), (name, error)
        assert not said or ("Permission denied" in error and said in error), (name, error)
        assert "Traceback" not in error
    assert sorted(path.name for path in elsewhere.iterdir()) == ["m", "predictions.csv"]


if __name__ == "__main__":
    found = {}
    for name, (words, _) in attempts(*map(Path, sys.argv[1:])).items():
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            status = main(words)
        found[name] = status, errors.getvalue()
    sys.stdout.write(json.dumps(found))
