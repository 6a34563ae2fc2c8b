"""Trains on one and on two replicas: python -m ... folder."""

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


def main(folder: str) -> None:
    """Trains with each optimizer on one replica and on two, and writes what became of it."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, parts)
    for kind in ("sgd", "adagrad", "adam"):
        for replicas in (1, 2):
            strategy: Any = None
            if replicas == 2:
                strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
            with contextlib.nullcontext() if strategy is None else strategy.scope():
                model = examples.afm(optimizer(kind), dropout=0.0)
            out = Path(folder, f"{kind}-{replicas}")
            data = examples.batches(), examples.validation(8)
            history = train(model, *data, out, SETTINGS, strategy=strategy)
            np.savez(out.with_suffix(".npz"), **examples.weights(model))
            numbers = json.dumps(examples.numbers(history.epochs))
            out.with_suffix(".json").write_text(numbers)


if __name__ == "__main__":
    main(*sys.argv[1:])
