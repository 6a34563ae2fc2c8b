import argparse
from pathlib import Path

import pytest

from pipelines.commands.add_prepare_events import add_prepare_events
from tests.pipelines.beam import logs

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


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    add_prepare_events(parser.add_subparsers(required=True))
    options = parser.parse_args(["prepare-events", *words])
    options.run(options)


def test_both_engines_tell_the_same_of_what_they_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.write_csv(tmp_path / "log.csv", logs.log(100))
    with (tmp_path / "log.csv").open("a", encoding="utf-8") as file:
        file.write("7,film,soon,5,1.0,\n")
    (tmp_path / "events.toml").write_text(SETTINGS, encoding="utf-8")
    config = ["--config", str(tmp_path / "events.toml"), "--out"]
    run(*config, str(tmp_path / "a"))
    memory = capsys.readouterr().out
    run(*config, str(tmp_path / "b"), "--engine", "beam", "--", "--runner=FnApiRunner")
    assert capsys.readouterr().out == memory
    lines = memory.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["train", "validation", "test"]
    assert lines[3] == "100 events of 6 users"
    assert "users have more than 10 events" in lines[4]
    assert lines[5].startswith("1 bad rows skipped. The first: `at` must be a whole number")
    assert lines[5].endswith("log.csv, line 102.")


def test_options_of_beam_need_its_engine(tmp_path: Path) -> None:
    logs.write_csv(tmp_path / "log.csv", logs.log(20))
    (tmp_path / "events.toml").write_text(SETTINGS, encoding="utf-8")
    with pytest.raises(ValueError, match="must come with `--engine beam`"):
        run("--config", f"{tmp_path}/events.toml", "--out", "o", "--", "--runner=FlinkRunner")
