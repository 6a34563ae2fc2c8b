"""Trains in processes of its own, which may kill themselves: python -m tests....run_alone.

Each line of standard input, `folder out kill epochs`, is a run; its exit status is the answer. All
are forks of one process, which has imported TensorFlow and computed nothing: that takes longer than
such a run.

`kill` is `never`; `<kind>:<number>`, the call of that number, from 0, of something within: `step`
(a call of training or validation), `checksum` (while a checkpoint is written), `rename` (when it is
to be put in place), `history` (before `history.jsonl` is written), `remove` (an old checkpoint); or
`after:<number>:<seconds>`, so long after the whole run has done so many steps, wherever that is.
The signal is SIGKILL: nothing is cleaned up.
"""

import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
PATCH = pytest.MonkeyPatch()
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


def dying_after(number: int, seconds: float, model: Any) -> threading.Thread:
    """Ends this process from a thread of its own: the moment is in no step in particular."""
    reached = threading.Event()
    call = Steps.__call__

    def called(steps: Steps, *args: Any) -> Any:
        if int(model.optimizer.iterations) >= number:
            reached.set()
        return call(steps, *args)

    def wait() -> None:
        reached.wait()
        time.sleep(seconds)
        die()

    PATCH.setattr(Steps, "__call__", called)
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def run(folder: str, out: str, kill: str, epochs: str) -> None:
    model = examples.model()
    kind, _, number = kill.partition(":")
    killer = None
    if kind == "after":
        steps, _, seconds = number.partition(":")
        killer = dying_after(int(steps), float(seconds), model)
    elif kind != "never":
        owner, name = PLACES[kind]
        PATCH.setattr(owner, name, dying_at(int(number), getattr(owner, name)))
    history = train(
        model,
        examples.batches(),
        examples.validation(),
        Path(folder),
        SETTINGS.model_copy(update={"epochs": int(epochs)}),
        resume=True,
    )
    if killer is not None:
        killer.join()  # a fast machine is at the end before its moment has come
    np.savez(out, **examples.weights(model))
    numbers = [examples.numbers(history.epochs), history.best_epoch, history.best]
    Path(out).with_suffix(".json").write_text(json.dumps(numbers))


def forked(words: list[str]) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        run(*words)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{forked(line.split())}\n")
        sys.stdout.flush()
