from pathlib import Path

import pytest

from pipelines.__main__ import main
from tests.pipelines.events import logs

SETTINGS = """\
files = ["log.csv"]
format = "csv"
user = "user"
item = "film"
time = "at"
label = "stars"
positive_from = 4
max_events = 10
on_bad_row = "skip"

[features.user]
dtype = "int64"

[features.film]
dtype = "string"
fit = "vocabulary"
"""


def run(*words: str) -> int:
    return main(["prepare-events", *words])


def test_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run("--help")
    assert end.value.code == 0
    assert "examples:\n  python -m pipelines prepare-events" in capsys.readouterr().out


def test_both_engines_tell_the_same_of_what_they_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.write_csv(tmp_path / "log.csv", logs.log(100))
    with (tmp_path / "log.csv").open("a", encoding="utf-8") as file:
        file.write("7,film,soon,5,1.0,\n")
    (tmp_path / "events.toml").write_text(SETTINGS, encoding="utf-8")
    config = ["--config", str(tmp_path / "events.toml"), "--out"]
    assert run(*config, str(tmp_path / "a")) == 0
    memory = capsys.readouterr().out
    words = ["--engine", "beam", "--", "--runner=FnApiRunner"]
    assert run(*config, str(tmp_path / "b"), *words) == 0
    assert capsys.readouterr().out == memory
    lines = memory.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["train", "validation", "test"]
    assert lines[3] == "100 events of 6 users"
    assert "users have more than 10 events" in lines[4]
    assert lines[5].startswith("1 bad rows skipped. The first: `at` must be a number")
    assert lines[5].endswith("log.csv, line 102.")


def test_options_of_beam_need_its_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.write_csv(tmp_path / "log.csv", logs.log(20))
    (tmp_path / "events.toml").write_text(SETTINGS, encoding="utf-8")
    words = ["--config", f"{tmp_path}/events.toml", "--out", "o", "--", "--runner=FlinkRunner"]
    assert run(*words) == 1
    assert "must come with `--engine beam`" in capsys.readouterr().err
