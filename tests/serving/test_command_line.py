from pathlib import Path
from typing import Any

import pytest

from serving import versions
from serving.__main__ import _COMMANDS, main, parser
from serving.commands.serve import SERVE


@pytest.mark.parametrize("command", [[], *([one.name] for one in _COMMANDS)])
def test_help_explains_and_shows_an_example(command: Any, capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "example: python -m serving" in " ".join(text.split())


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda one: one.name)
def test_every_example_parses(command: Any) -> None:
    words = command.example.split()
    assert words[:3] == ["python", "-m", "serving"]
    assert parser().parse_args(words[3:]).run is command.run


def test_serve_says_that_it_is_for_development_and_tests() -> None:
    assert "for development and tests, not for production" in SERVE.description


def test_publish_and_rollback_print_the_new_version(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_text("x")
    base = tmp_path / "models"
    for _ in range(2):
        assert main(["publish", str(tmp_path / "saved"), str(base)]) == 0
    assert main(["publish", str(tmp_path / "saved"), str(base), "--keep_last", "2"]) == 0
    assert main(["rollback", str(base), "--to_version", "2"]) == 0
    assert capsys.readouterr().out.split() == [str(base / str(n)) for n in (1, 2, 3, 4)]
    assert list(versions(base)) == [2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rollback", "no/such", "--to_version", "3"], "error: `version` must be one of []"),
        (["publish", "no/such", "models"], "No such file"),
        (["serve"], "error: `model_base_path` must name a folder"),
    ],
)
def test_an_error_is_one_line_and_status_one(
    arguments: Any, words: Any, capsys: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1


def test_a_model_that_does_not_load_fails_the_start(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "m" / "1").mkdir(parents=True)
    arguments = ["serve", "--model_base_path", str(tmp_path / "m"), "--max_num_load_retries", "0"]
    assert main(arguments) == 1
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith("Failed to start server. Error: UNKNOWN: 1 model(s) did not become available: ")
    )
