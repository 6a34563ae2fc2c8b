"""What does a strategy cost on one machine, and how far from one process does it end?

Usage: python -m benchmarks.strategies [--rows 60000] [--ids 100000] [--epochs 4] [--batch 1024]

Trains one configuration by `python -m pipelines train` and `cluster` under every strategy: an AFM
over a user, a film and a history of films, whose clicks depend on user and film together. Rates
are the median of the epochs after the first, in which everything is traced. All processes share
the cores of this machine: this shows overhead and equality, not speed-up.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

CONFIGURATION = """\
[[columns]]
kind = "categorical_column_with_identity"
key = "user"
num_buckets = {ids}
[[columns]]
kind = "categorical_column_with_identity"
key = "film"
num_buckets = {ids}
shared = "films"
[[columns]]
kind = "sequence_categorical_column_with_identity"
key = "seen"
num_buckets = {ids}
shared = "films"
[data]
format = "csv"
train = "clicks.csv"
label = "clicked"
lists = {{seen = "|"}}
split = {{by = "random", fractions = [0.8, 0.1, 0.1], seed = 1}}
batch_size = {batch}
[model]
dim = 8
attention_units = 8
[training]
epochs = {epochs}
optimizer = {{kind = "adam", learning_rate = 0.01}}
[evaluation]
bootstrap = 0
"""
CLUSTER = ["cluster", "--workers", "2"]
STRATEGIES: dict[str, tuple[list[str], list[str]]] = {
    "one": ([], []),
    "mirrored": ([], ["training.strategy=mirrored", "training.cluster.replicas=2"]),
    "multi_worker_mirrored": ([*CLUSTER, "--"], []),
    "parameter_server": ([*CLUSTER, "--ps", "2", "--"], []),
}


def write_clicks(path: Path, rows: int, ids: int) -> None:
    """Clicks of users who like every other film, most of them of few films."""
    draw = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write("user,film,seen,clicked\n")
        for user in draw.integers(0, 400, rows):
            film = int(300 * draw.random() ** 2)
            liked = (user + film) % 2
            seen = "|".join(str(one) for one in draw.integers(0, ids, draw.integers(0, 10)))
            file.write(f"{user},{film},{seen},{int(draw.random() < (0.85 if liked else 0.15))}\n")


def train(folder: Path, name: str) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Runs one strategy; returns metrics and history."""
    before, overrides = STRATEGIES[name]
    words = ["train", "--config", "run.toml", "--out", name]
    words += [word for one in overrides for word in ("--set", one)]
    subprocess.run(
        [sys.executable, "-m", "pipelines", *before, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    metrics = json.loads((folder / name / "metrics.json").read_text())["test"]["AFM"]
    lines = (folder / name / "history.jsonl").read_text().splitlines()
    return metrics, [json.loads(line) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--ids", type=int, default=100_000, help="rows of each table")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=1024)
    options = parser.parse_args()
    print("| strategy | test AUC | logloss | examples/s | step, ms | input wait |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clicks(folder / "clicks.csv", options.rows, options.ids)
        (folder / "run.toml").write_text(CONFIGURATION.format(**vars(options)))
        for strategy in STRATEGIES:
            metrics, history = train(folder, strategy)
            medians = {
                key: statistics.median(record[key] for record in history[1:])
                for key in ("examples_per_second", "step_seconds", "input_wait")
            }
            print(
                f"| `{strategy}` | {metrics['auc']['value']:.6f} | "
                f"{metrics['logloss']['value']:.6f} | {medians['examples_per_second']:,.0f} | "
                f"{1000 * medians['step_seconds']:.1f} | {medians['input_wait']:.0%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
