"""Shows how far training is, to people only."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import tensorflow as tf


@contextlib.contextmanager
def fit_progress(description: str, epochs: int) -> Iterator[list[Any]]:
    """Yields Keras callbacks that move a bar on stderr, or none when stderr is not a terminal.

    Args:
        description: What is being done, for the bar.
        epochs: Most epochs there will be.

    Yields:
        Callbacks for `fit`; the bar goes with the block, also when an error ends it.

    Raises:
        ImportError: If stderr is a terminal and rich is not installed.
    """
    if not sys.stderr.isatty():
        yield []
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

        def advance(epoch: int, logs: dict[str, float]) -> None:
            reached = f"{description}, validation logloss {logs['val_logloss']:.4f}"
            bar.update(task, advance=1, description=reached)

        yield [tf.keras.callbacks.LambdaCallback(on_epoch_end=advance)]
        bar.update(task, completed=epochs)  # early stopping is an end like any other
