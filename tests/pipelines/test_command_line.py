import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.__main__ import main
from tests.pipelines.movielens_files import log, write_recbole


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *words], capture_output=True, text=True, check=False
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


@pytest.mark.parametrize("command", ["prepare", "train", "evaluate"])
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert f"examples:\n  python -m pipelines {command}" in capsys.readouterr().out


def test_prepare_tells_the_parts_and_nothing_else_where_nobody_looks_on(tmp_path: Path) -> None:
    data_dir = write_recbole(tmp_path / "raw", log(50, seed=1))
    out = tmp_path / "out"
    done = run("prepare", "movielens-100k", "--out", str(out), "--data-dir", str(data_dir))
    assert done.returncode == 0
    assert done.stderr == ""
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["train", "40", "examples,"],
        ["validation", "5", "examples,"],
        ["test", "5", "examples,"],
    ]
    assert (out / "feature_spec.json").is_file()


def test_an_error_is_one_line_and_a_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert main(["prepare", "movielens-100k", "--out", out, "--data-dir", str(tmp_path)]) == 1
    text = capsys.readouterr()
    assert text.out == ""
    assert text.err.startswith("error: `--data-dir` must be a folder with")
    assert text.err.count("\n") == 1
    assert os.listdir(tmp_path) == []
