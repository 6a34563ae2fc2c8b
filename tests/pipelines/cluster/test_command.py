import json
import random
from pathlib import Path
from typing import Any

import pytest

from pipelines.__main__ import main
from tests.pipelines.cluster.processes import run_alone
from tests.pipelines.planted_clicks import write_clicks

CONFIGURATION = """
columns = [
  {kind = "categorical_column_with_identity", key = "user", num_buckets = 20},
  {kind = "categorical_column_with_identity", key = "item", num_buckets = 20},
]
[data]
format = "csv"
train = "clicks.csv"
label = "clicked"
split = {by = "random", fractions = [0.6, 0.2, 0.2], seed = 1}
batch_size = 32
[model]
dim = 4
attention_units = 4
[training]
epochs = 2
optimizer = {kind = "adagrad", learning_rate = 0.1}
"""


@pytest.mark.long
def test_a_cluster_ends_with_the_files_and_numbers_of_one_process(tmp_path: Path) -> None:
    draw = random.Random(1)
    pairs = [(draw.randrange(20), draw.randrange(20)) for _ in range(300)]
    lines = [f"{user},{item},{(user + item) % 2}" for user, item in pairs]
    (tmp_path / "clicks.csv").write_text("\n".join(["user,item,clicked", *lines]) + "\n")
    (tmp_path / "run.toml").write_text(CONFIGURATION)
    words = ["train", "--config", str(tmp_path / "run.toml"), "--out"]
    run_alone("pipelines", *words, str(tmp_path / "one"))
    said = run_alone("pipelines", "cluster", "--workers", "2", "--", *words, str(tmp_path / "two"))
    assert "[worker 0] test:" in said
    assert "[worker 1] test:" not in said
    one, two = (_numbers(tmp_path / name / "metrics.json") for name in ("one", "two"))
    assert two == pytest.approx(one, abs=1e-6)
    assert (tmp_path / "two" / "model.keras").is_file()
    # All that is left of the other process is its part of the gradients.
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        path.name for path in (tmp_path / "two").iterdir()
    )


@pytest.mark.long
def test_servers_and_workers_end_as_good_as_one_process(tmp_path: Path) -> None:
    # A large test part: on 1,600 rows two models as good as each other differ by .006.
    write_clicks(tmp_path / "clicks.csv", rows=20_000)
    text = CONFIGURATION.replace('"user", num', '"user_id", num').replace('"item"', '"film_id"')
    text = text.replace("num_buckets = 20", "num_buckets = 30").replace("adagrad", "adam")
    text = text.replace("[0.6, 0.2, 0.2]", "[0.24, 0.06, 0.7]")
    text = text.replace("batch_size = 32", "batch_size = 96").replace("dim = 4", "dim = 8")
    (tmp_path / "run.toml").write_text(text.replace("learning_rate = 0.1", "learning_rate = 0.04"))
    words = ["train", "--config", str(tmp_path / "run.toml"), "--set", "training.epochs=6"]
    words += ["--set", "training.cluster.min_shard_bytes=64", "--out"]
    run_alone("pipelines", *words, str(tmp_path / "one"))
    cluster = ["cluster", "--workers", "2", "--ps", "2", "--"]
    run_alone("pipelines", *cluster, *words, str(tmp_path / "two"))
    one, two = (_numbers(tmp_path / name / "metrics.json") for name in ("one", "two"))
    assert one["/test/AFM/auc/value"] > 0.8
    assert two["/test/AFM/auc/value"] == pytest.approx(one["/test/AFM/auc/value"], abs=0.005)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        path.name for path in (tmp_path / "two").iterdir()
    )


def _numbers(path: Path) -> dict[str, float]:
    found: dict[str, float] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, part in value.items():
                walk(part, f"{name}/{key}")
        elif isinstance(value, int | float):
            found[name] = value

    walk(json.loads(path.read_text()), "")
    return found


def test_only_training_runs_in_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", "--", "prepare", "--config", "a.toml"]) == 1
    assert "`cluster` must run the command train. Received: prepare." in capsys.readouterr().err
