"""Trains in a process of its own, which may kill itself: python -m ... folder out kill [epochs].

`kill` is `never`, `seconds:<s>` after the start of training, or `<kind>:<number>`, the call of that
number, from 0, of something within: `step` (a call of training or validation), `checksum` (while a
checkpoint is written), `rename` (when it is to be put in place), `history` (before `history.jsonl`
is written), `remove` (an old checkpoint). The signal is SIGKILL: nothing is cleaned up.
"""

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.configuration.training import Training
from pipelines.training import checkpoints, records
from pipelines.training.steps import Steps
from pipelines.training.train import train
from tests.pipelines.training import examples

SETTINGS = Training(
    seed=5,
    ema={"momentum": 0.7, "every": 4},
    schedule={"kind": "exponential", "decay_steps": 7, "warmup_steps": 3, "plateau_patience": 1},
    checkpoint_every=4,
    steps_per_call=1,
)
PLACES: dict[str, tuple[Any, str]] = {
    "step": (Steps, "__call__"),
    "checksum": (checkpoints, "_checksum"),
    "rename": (Path, "rename"),
    "history": (records, "write_text"),
    "remove": (shutil, "rmtree"),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at(number: int, of: Callable[..., Any]) -> Callable[..., Any]:
    calls = iter(range(10**9))

    def called(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == number:
            die()
        return of(*args, **kwargs)

    return called


def main(folder: str, out: str, kill: str, epochs: str = "3") -> None:
    model = examples.model()
    kind, _, number = kill.partition(":")
    if kind == "seconds":
        timer = threading.Timer(float(number), die)
        timer.daemon = True
        timer.start()
    elif kind != "never":
        owner, name = PLACES[kind]
        setattr(owner, name, dying_at(int(number), getattr(owner, name)))
    history = train(
        model,
        examples.batches(),
        examples.validation(),
        Path(folder),
        SETTINGS.model_copy(update={"epochs": int(epochs)}),
        resume=True,
    )
    np.savez(out, **examples.weights(model))
    numbers = [examples.numbers(history.epochs), history.best_epoch, history.best]
    Path(out).with_suffix(".json").write_text(json.dumps(numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
