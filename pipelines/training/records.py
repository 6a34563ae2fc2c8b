"""What a run writes while it trains: learning curve, profile, progress; and its end on SIGTERM."""

import contextlib
import importlib.util
import json
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.files.atomic import write_text
from pipelines.training.checkpoints import RunState
from tfrs_afm.types import Metric

_ABOUT = ("epoch", "step", "kernels")


class Records:
    """Keeps `history.jsonl` and the logs of TensorBoard equal to the history of a run.

    Both are written again where a run goes on, so that no epoch is in them twice. In TensorBoard a
    metric is `epoch_<name>` of the run `train` or, without its `val_`, `validation`.

    Args:
        folder: The folder of the run.
        history: The records so far.

    Raises:
        ImportError: If TensorBoard is not installed.
    """

    def __init__(self, folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise ImportError(
                "tensorboard must be installed to log training. Run: "
                "pip install 'tfrs-afm[pipelines]'."
            )
        self._file = folder / "history.jsonl"
        for part in ("train", "validation"):
            # Only what is ours: `logs` may be a link, or hold more.
            for events in (folder / "logs" / part).glob("events.out.tfevents.*"):
                events.unlink()
        self._writers = {
            part: tf.summary.create_file_writer(str(folder / "logs" / part))
            for part in ("train", "validation")
        }
        for record in history:
            self._log(record)
        self._write(history)

    def add(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Takes in the last record of a history."""
        self._log(history[-1])
        self._write(history)

    def close(self) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()

    def _write(self, history: Sequence[Mapping[str, Any]]) -> None:
        write_text(self._file, "".join(f"{json.dumps(record)}\n" for record in history))

    def _log(self, record: Mapping[str, Any]) -> None:
        for name, value in record.items():
            if name not in _ABOUT:
                part = "validation" if name.startswith("val_") else "train"
                with self._writers[part].as_default():
                    tf.summary.scalar(f"epoch_{name.removeprefix('val_')}", value, record["epoch"])
        for writer in self._writers.values():
            writer.flush()


class Profile:
    """Records TensorFlow's profile of some steps of a run, for TensorBoard's page "Profile".

    What runs over the end of an epoch is a profile for each.

    Args:
        folder: The folder of the logs.
        steps: The first and the last step to record, counted from 0 over the whole run, or None.

    Example:
        >>> profile = Profile(Path("logs"), (10, 12))
        >>> profile.most(4), profile.most(11), profile.most(13)
        (6, 2, None)
    """

    def __init__(self, folder: Path, steps: tuple[int, int] | None) -> None:
        self._folder, self._steps = folder, steps
        self._runs = False

    def most(self, step: int) -> int | None:
        """How many steps may run at once from `step` on, for the profile to be of its own."""
        if self._steps is None or step > self._steps[1]:
            return None
        return (self._steps[0] if step < self._steps[0] else self._steps[1] + 1) - step

    def at(self, step: int) -> None:
        """Begins or ends, where `step` is the one to come."""
        within = self._steps is not None and self._steps[0] <= step <= self._steps[1]
        if within and not self._runs:
            tf.profiler.experimental.start(str(self._folder))
            self._runs = True
        elif not within:
            self.close()

    def close(self) -> None:
        """Writes what there is."""
        if self._runs:
            self._runs = False
            tf.profiler.experimental.stop()


@contextlib.contextmanager
def train_progress(
    description: str, epochs: int, num_batches: int | None = None
) -> Iterator[Callable[[RunState], None]]:
    """Yields a function that moves a bar on stderr, if stderr is a terminal, to where a run is.

    Args:
        description: What is being done.
        epochs: Most epochs there will be.
        num_batches: How many batches the first epoch is expected to have, if that is known.

    Yields:
        To be called with the state of the run whenever it changed.

    Raises:
        ImportError: If stderr is a terminal and rich is not installed.
    """
    if not sys.stderr.isatty():
        yield lambda state: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError as error:
        raise ImportError(
            "rich must be installed to show progress. Run: pip install 'tfrs-afm[pipelines]'."
        ) from error
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(description, total=epochs)

        def show(state: RunState) -> None:
            # What an epoch has is certain after the first; until then the bar may be a little off.
            batches = state.batches_per_epoch or num_batches
            part = min(state.batch / batches, 1.0) if batches else 0.0
            rate = state.rows / state.seconds if state.seconds else 0.0
            reached = f"{description}, epoch {state.epoch}, {rate:,.0f} examples/s"
            if state.best is not None:
                reached += f", best {state.best:.4f}"
            bar.update(task, completed=state.epoch + part, description=reached)

        yield show
        bar.update(task, completed=epochs)  # early stopping is an end like any other


@contextlib.contextmanager
def termination() -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether SIGTERM came during the block.

    Machines that are taken away and schedulers of clusters send it some seconds before SIGKILL. A
    second one ends the process at once. Outside of the main thread Python lets nobody handle
    signals; SIGTERM then does what it always does.

    Example:
        >>> with termination() as asked:
        ...     asked()
        False
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came = threading.Event()

    def note(number: int, _: Any) -> None:
        came.set()
        signal.signal(number, signal.SIG_DFL)

    former = signal.signal(signal.SIGTERM, note)
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGTERM, former)


def value_of(metric: Metric) -> float:
    """Returns what a Keras metric has found, as `evaluate` has it.

    The area below a curve is not defined where examples of one class are missing: Keras says 0.0
    then, as if a model had everything wrong, and this is NaN.

    Args:
        metric: A metric; if it is an `AUC`, of labels 0 and 1.
    """
    if isinstance(metric, tf.keras.metrics.AUC):
        # From the lowest threshold on every example is predicted to be positive.
        positives, negatives = (
            float(tf.reduce_sum(tf.convert_to_tensor(found)[0]))
            for found in (metric.true_positives, metric.false_positives)
        )
        if not (positives and negatives):
            return math.nan
    return float(metric.result())
