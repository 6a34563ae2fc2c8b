import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving import ServerOptions, versions
from serving.__main__ import _COMMANDS, main, parser
from serving.commands.models import SERVE
from serving.server.options import options_from
from tests.serving.exported import Exported


@pytest.mark.parametrize("command", [[], *([one.name] for one in _COMMANDS)])
def test_help_explains_and_shows_an_example(command: Any, capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "example: python -m serving" in " ".join(text.split())


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda one: one.name)
def test_every_example_parses(command: Any) -> None:
    words = shlex.split(command.example)
    assert words[:3] == ["python", "-m", "serving"]
    assert parser().parse_args(words[3:]).run is command.run


def test_seconds_may_be_fractions_and_options_are_what_flags_say() -> None:
    flags = ["serve", "--model_base_path", "/m", "--file_system_poll_wait_seconds", "0.25"]
    options = options_from(parser().parse_args(flags))
    assert options == ServerOptions(model_base_path="/m", file_system_poll_wait_seconds=0.25)


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
        (["serve", "--model_base_path", "m"], "`model_base_path` must be an absolute path"),
        (["serve", "--model_base_path=/m", "--batching_parameters_file=b"], "`enable_batching`"),
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


@pytest.mark.long
def test_export_publishes_a_saved_model_with_server_files(
    deepfm: Exported, tmp_path: Path, capsys: Any
) -> None:
    deepfm.model.save(tmp_path / "ranker.keras")
    base = tmp_path / "models" / "ranker"
    arguments = ["export", str(tmp_path / "ranker.keras"), str(base)]
    arguments += ["--candidate_features", "movie_id", "--server_files"]
    assert main(arguments) == 0
    names = ["models.config", "batching_parameters.txt", "monitoring.txt", "compose.yaml"]
    expected = [str(base / "1"), *(str(base.parent / name) for name in names)]
    assert capsys.readouterr().out.split() == expected
    rows = ['{"user_id": 3, "movie_id": 7, "history": [1, 5]}', '{"user_id": 4, "movie_id": 8}']
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    assert main(["predict", str(base / "1"), str(tmp_path / "rows.jsonl")]) == 0
    assert main(["predict", str(deepfm.path), f"[{','.join(rows)}]"]) == 0
    scores = [float(line) for line in capsys.readouterr().out.split()]
    assert len(scores) == 4
    np.testing.assert_allclose(scores[:2], scores[2:], atol=1e-6)


def test_rank_prints_the_best_first(ranker_server: Any, deepfm: Exported, capsys: Any) -> None:
    context, films = '{"user_id": 3, "history": [4]}', [7, 0, 49, 12]
    arguments = ["--model_name", "deepfm", "--schema", str(deepfm.path), "--timeout", "60"]
    arguments += [context, json.dumps(films), "--top", "3"]
    assert main(["rank", ranker_server.grpc_address, *arguments]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = [{"user_id": 3, "history": [4], "movie_id": film} for film in films]
    assert main(["predict", ranker_server.rest_url, *arguments[:6], json.dumps(rows)]) == 0
    scores = np.array([float(line) for line in capsys.readouterr().out.split()])
    order = np.argsort(-scores)[:3]
    assert [line["candidate"] for line in lines] == [films[place] for place in order]
    np.testing.assert_allclose([line["score"] for line in lines], scores[order], atol=1e-6)


@pytest.mark.parametrize("signature", ["serving_default", "rank", "tensors"])
def test_bench_measures(ranker_server: Any, deepfm: Exported, capsys: Any, signature: str) -> None:
    arguments = ["--model_name", "deepfm", "--schema", str(deepfm.path), "--requests", "12"]
    arguments += ["--clients", "3", "--batch_size", "5", "--signature", signature]
    assert main(["bench", ranker_server.grpc_address, *arguments]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["requests"] == 12
    assert 0 < report["p50_ms"] <= report["p90_ms"] <= report["p99_ms"] <= report["max_ms"]


def test_a_wrong_feature_is_one_line(deepfm: Exported, capsys: Any) -> None:
    assert main(["predict", str(deepfm.path), '{"usr": 3}']) == 1
    assert capsys.readouterr().err.startswith("error: `features` must be among ['history'")
    assert main(["export", "no_such.keras", "models"]) == 1
    assert capsys.readouterr().err.startswith("error: `model` must be a .keras file")
