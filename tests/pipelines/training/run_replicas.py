"""Trains on one or on two replicas: python -m ... folder optimizer replicas."""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.training import Training
from pipelines.training.train import train
from tests.pipelines.training import examples

# Four epochs of six steps.
SETTINGS = Training(
    epochs=4,
    ema={"momentum": 0.9, "every": 2},
    schedule={"kind": "cosine", "decay_steps": 40, "warmup_steps": 4},
    class_weights=(1.0, 2.0),
    early_stopping={"monitor": "loss", "mode": "min"},
    checkpoint_every=4,
    steps_per_call=3,
)


def optimizer(kind: str) -> Any:
    home = tfrs_afm.optimizers
    return {"sgd": home.SGD, "adagrad": home.Adagrad, "adam": home.Adam}[kind](0.05)


def main(folder: str, kind: str, replicas: str) -> None:
    """Trains, and writes what became of it beside the folder."""
    strategy: Any = None
    if replicas == "2":
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, parts)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        model = examples.afm(optimizer(kind), dropout=0.0)
    data = examples.batches(), examples.validation(8)
    history = train(model, *data, Path(folder), SETTINGS, strategy=strategy)
    np.savez(f"{folder}.npz", **examples.weights(model))
    Path(f"{folder}.json").write_text(json.dumps(examples.numbers(history.epochs)))


if __name__ == "__main__":
    main(*sys.argv[1:])
