import argparse
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from examples import demo
from pipelines.runs.run_folder import RunFolder
from tests.pipelines.movielens_files import FILMS, log, write_recbole

RATINGS = log(400, seed=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("demo")
    # Two films are never liked and so are in no history: they are what can be recommended.
    ratings = [
        (user, film, min(stars, 3 if film > 4 else 5), at) for user, film, stars, at in RATINGS
    ]
    write_recbole(made / "raw", ratings)
    return made


def words(folder: Path) -> list[str]:
    return ["--small", "--out", str(folder / "out"), "--data-dir", str(folder / "raw")]


def files(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_ino
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.long
def test_it_goes_from_raw_ratings_to_a_served_list_and_a_second_run_uses_all_of_it(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")  # for the process that verifies
    assert demo.main(words(folder)) == 0
    made = files(folder)
    shown = capfd.readouterr()
    lines = shown.out.splitlines()
    steps = [line.split()[0] for line in shown.err.splitlines() if line.endswith(" ...")]
    assert steps == ["Getting", *["Training"] * 3, "Exporting,", "Starting", "Writing"]
    assert sum(line.count("*") for line in lines) >= 1 + len(demo.METRICS)  # the best, and a note
    report = next(line.split(": ")[1] for line in lines if line.startswith("The report"))
    assert Path(report).read_text().startswith("<!doctype html>")
    commands = [line.split()[3] for line in lines if line.startswith("  .venv/bin/python -m ")]
    assert commands == ["serve", "evaluate", "train"]
    for name in ("AFM", "DeepFM", "logistic regression", "popularity"):
        assert any(line.startswith(name) and len(line.split()) >= 5 for line in lines)
    titles = {title for title, *_ in FILMS.values()}
    top = [line for line in lines if line[:2] == "0." and " x " in line]
    scores = [float(line.split()[0]) for line in top]
    assert scores == sorted(scores, reverse=True)
    assert len(top) >= 2
    assert all(any(line[7:].startswith(title[:38]) for title in titles) for line in top)
    assert not [name for name in made if ".partial" in name]
    assert os.listdir(folder / "out" / "models" / demo.MODEL) == ["1"]

    assert demo.main(words(folder)) == 0
    again = capfd.readouterr()
    assert [line for line in again.out.splitlines() if "127.0.0.1" not in line] == [
        line for line in lines if "127.0.0.1" not in line
    ]
    assert again.err == "Starting the server ...\n"
    assert files(folder) == made


@pytest.mark.long
def test_sigterm_stops_the_server_and_leaves_what_was_there(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (folder / "out" / "published.json").is_file()
    made, ports = files(folder), []

    def killed(server: Any, *_: Any) -> None:
        ports.extend([server.grpc_port, server.rest_port])
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(demo, "answer", killed)
    assert demo.main(words(folder)) == 130
    assert capfd.readouterr().err == "Starting the server ...\nstopped\n"
    assert signal.getsignal(signal.SIGTERM) == before
    assert files(folder) == made
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_an_error_is_one_line_and_a_status(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--out", str(tmp_path / "out"), "--data-dir", str(tmp_path)]) == 1
    shown = capfd.readouterr()
    assert shown.out == ""
    before, error = shown.err.splitlines()
    assert before.startswith("Getting and preparing the ratings")
    assert error.startswith("error: `data.path` must be a folder with")
    assert os.listdir(tmp_path) == []


def test_a_run_of_other_ratings_is_trained_anew_and_one_of_the_same_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noted(configuration: Any, out: Path, **_: Any) -> dict[str, Any]:
        kept.append(out.exists())
        folder = RunFolder(out)
        folder.write_configuration(configuration)
        folder.write_run({"data": RunFolder(tmp_path).spec().key})
        return {}

    kept: list[bool] = []
    monkeypatch.setattr("pipelines.runs.train_run.train_run", noted)
    options = argparse.Namespace(small=True, data_dir=tmp_path / "raw")
    write_recbole(tmp_path / "raw", RATINGS)
    for _ in range(2):
        demo.trained("afm", tmp_path, options)
    write_recbole(tmp_path / "raw", RATINGS[1:])
    demo.trained("afm", tmp_path, options)
    demo.trained("afm", tmp_path, argparse.Namespace(small=False, data_dir=tmp_path / "raw"))
    assert kept == [False, True, False, False]


def test_it_explains_itself(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        demo.main(["--help"])
    assert end.value.code == 0
    assert "--small" in capfd.readouterr().out
