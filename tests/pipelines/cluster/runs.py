"""A program: trains tiny models under a strategy and writes what became of them.

Devices and clusters must be set up before anything else runs in a process.
"""

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.cluster.serve_task import serve_task
from pipelines.cluster.team import strategy_of
from pipelines.configuration.configuration import Configuration
from pipelines.fitting.fit import Fitted
from pipelines.modelling.build_model import build_model
from pipelines.training.steps import ScheduledSteps, Steps
from pipelines.training.train import train

# Two epochs of ten steps; nine rows are left for the last of each.
ROWS, BATCH = 153, 16
SEEN = {"kind": "sequence_categorical_column_with_identity", "key": "seen", "num_buckets": 40}
OPTIMIZERS = {
    "sgd": {"kind": "sgd", "learning_rate": 0.5, "arguments": {"momentum": 0.9}},
    "adagrad": {"kind": "adagrad", "learning_rate": 0.1},
    "adam": {"kind": "adam", "learning_rate": 0.02},
}


def configuration(optimizer: str, **training: Any) -> Configuration:
    keys = {"user": 60, "item": 40}
    kind = "categorical_column_with_identity"
    columns = [{"kind": kind, "key": key, "num_buckets": size} for key, size in keys.items()]
    return Configuration(
        data={"format": "csv", "train": "a.csv"},
        columns=[*columns, SEEN, {"kind": "numeric_column", "key": "age"}],
        model={"dim": 4, "attention_units": 4, "attention_l2": 0.01, "dropout": 0.0},
        training={
            "epochs": 2,
            "optimizer": OPTIMIZERS[optimizer],
            "schedule": {"kind": "exponential", "decay_steps": 7, "warmup_steps": 3},
            "ema": {"momentum": 0.7, "every": 3},
            "class_weights": (1.0, 2.0),
            "early_stopping": {"monitor": "loss", "mode": "min"},
            "checkpoint_every": 4,
            "steps_per_call": 2,
            **training,
        },
    )


def rows(seed: int, size: int) -> tuple[dict[str, Any], Any, Any]:
    """Two ids, a list, a number; a label that depends on them; and weights."""
    draw = np.random.default_rng(seed)
    user, item = draw.integers(0, 60, size), draw.integers(0, 40, size)
    seen = [draw.integers(0, 40, some).tolist() for some in draw.integers(0, 4, size)]
    features = {
        "user": user,
        "item": item,
        "seen": tf.ragged.constant(seen, dtype=tf.int64),
        "age": draw.normal(size=(size, 1)).astype(np.float32),
    }
    labels = ((user + item) % 2).astype(np.float32)[:, np.newaxis]
    return features, labels, draw.uniform(0.5, 2.0, (size, 1)).astype(np.float32)


def batches(epoch: int, skip: int) -> Any:
    features, labels, weights = rows(0, ROWS)
    order = np.random.default_rng(epoch).permutation(ROWS)
    ordered = {name: tf.gather(values, order) for name, values in features.items()}
    data = tf.data.Dataset.from_tensor_slices((ordered, labels[order], weights[order]))
    return data.batch(BATCH).skip(skip).map(_as_sparse)


def validation() -> Any:
    return tf.data.Dataset.from_tensor_slices(rows(1, 45)).batch(11).map(_as_sparse)


def _as_sparse(features: dict[str, Any], labels: Any, weights: Any) -> Any:
    return {**features, "seen": features["seen"].to_sparse()}, labels, weights


def run(folder: Path, strategy: Any, optimizer: str, **changed: Any) -> Any:
    """Trains one model and returns it."""
    settings = configuration(optimizer, **changed.pop("training", {}))
    with strategy.scope():
        model = build_model(settings, Fitted())
    train(model, batches, validation(), folder, settings.training, strategy=strategy, **changed)
    return model


def write_scores(folder: Path, model: Any) -> None:
    """Writes what a model on parameter servers says, and where its tables are."""
    features = next(iter(validation()))[0]
    table = model.embedding.tables["user_embedding"].embedding_weights
    np.savez(
        folder / "scores.npz",
        scores=model(features),
        devices=[shard.device for shard in table.variables],
        rows=[shard.shape[0] for shard in table.variables],
    )


def _telling(call: Any) -> Any:
    """Writes a line before each call, for those who want to kill this process there."""

    def told(*args: Any) -> Any:
        sys.stdout.write("goes on\n")
        sys.stdout.flush()
        return call(*args)

    return told


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("strategy")
    parser.add_argument("out", type=Path)
    parser.add_argument("--optimizers", nargs="+", default=list(OPTIMIZERS))
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--tell", action="store_true")
    parser.add_argument("--no-average", action="store_true")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    signal.alarm(600)  # whatever happens, nothing of a test is left running
    training: dict[str, Any] = {"strategy": options.strategy, "epochs": options.epochs}
    if options.no_average:
        training["ema"] = None
    if options.tell:
        training["steps_per_call"] = 1
        for steps in (Steps, ScheduledSteps):
            steps.__call__ = _telling(steps.__call__)
    if options.strategy == "mirrored":
        training["cluster"] = {"replicas": 2}
    if options.strategy == "parameter_server":
        training["cluster"] = {"min_shard_bytes": 256}
    settings = configuration("sgd", **training).training
    if serve_task(settings):
        return
    strategy = strategy_of(settings)
    for optimizer in options.optimizers:
        model = run(
            options.out / optimizer,
            strategy,
            optimizer,
            training=training,
            resume=options.resume,
        )
        if options.strategy == "parameter_server":
            write_scores(options.out / optimizer, model)


if __name__ == "__main__":
    main()
