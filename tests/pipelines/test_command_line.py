import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.__main__ import main
from tests.pipelines.clicks import log, write_clicks


# With -P it starts afresh, and so shows what a command imports in which order; see tests/forked.py.
def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "pipelines", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_shows_examples_without_loading_tensorflow() -> None:
    program = (
        "import sys, runpy; sys.argv = ['pipelines', '--help']\n"
        "try: runpy.run_module('pipelines', run_name='__main__')\n"
        "except SystemExit as end: sys.exit('tensorflow' in sys.modules or end.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "examples:\n  python -m pipelines prepare" in done.stdout


@pytest.mark.parametrize(
    "command", ["prepare", "train", "evaluate", "predict", "export", "tune", "report"]
)
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert f"examples:\n  python -m pipelines {command}" in capsys.readouterr().out


@pytest.mark.long
def test_prepare_tells_the_parts_and_nothing_else_where_nobody_looks_on(tmp_path: Path) -> None:
    path = write_clicks(tmp_path, log(50))
    split = "data.split={by='group'}"
    done = run("prepare", "--config", str(path), "--out", str(tmp_path / "out"), "--set", split)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = [line.split()[:3] for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["train", "validation", "test"]
    assert sum(int(line[1]) for line in lines) == 50
    assert (tmp_path / "out/data/feature_spec.json").is_file()


def test_an_error_is_one_line_and_a_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    path = str(write_clicks(tmp_path))
    assert main(["prepare", "--config", path, "--out", out, "--set", "data.labl=a"]) == 1
    text = capsys.readouterr()
    assert text.out == ""
    assert text.err.startswith("error: `data.labl` must be a known key.")
    assert text.err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["clicks.csv", "clicks.toml"]


@pytest.mark.parametrize(
    "text",
    [
        "user,label\x1b[2J\x1b]0;name\x07\n1,1\n",
        "user,label\n1\x1b[31m,1\n",
        "user,label\x1b[1m,label\x1b[1m\n1,1,1\n",
    ],
)
def test_escape_sequences_of_a_file_do_not_reach_the_terminal(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.toml").write_text(
        '[data]\nformat = "csv"\ntrain = "a.csv"\n'
        '[[columns]]\nkind = "categorical_column_with_identity"\nkey = "user"\n'
    )
    words = ["--config", str(tmp_path / "a.toml"), "--out", str(tmp_path / "run")]
    assert main(["prepare", *words]) == 1
    told = capsys.readouterr().err
    assert "error: " in told
    assert r"\x1b[" in told
    assert told.replace("\n", "").isprintable()
