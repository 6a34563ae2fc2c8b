"""Shows how far training is, to people only."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from pipelines.training.run_state import RunState


@contextlib.contextmanager
def train_progress(description: str, epochs: int) -> Iterator[Callable[[RunState], None]]:
    """Yields a function that moves a bar on stderr, if stderr is a terminal, to where a run is.

    Args:
        description: What is being done.
        epochs: Most epochs there will be.

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
            # The length of an epoch is known after the first; until then the bar moves by epochs.
            part = state.batch / state.batches_per_epoch if state.batches_per_epoch else 0.0
            rate = state.rows / state.seconds if state.seconds else 0.0
            reached = f"{description}, epoch {state.epoch}, {rate:,.0f} examples/s"
            if state.best is not None:
                reached += f", best {state.best:.4f}"
            bar.update(task, completed=state.epoch + part, description=reached)

        yield show
        bar.update(task, completed=epochs)  # early stopping is an end like any other
