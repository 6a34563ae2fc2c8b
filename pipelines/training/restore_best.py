"""A model as a run left it."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.training.checkpoints import Checkpoints


def restore_best(model: Any, folder: Path) -> None:
    """Gives a compiled model the weights of the best epoch of a run and its optimizer's state.

    The model may be made under another strategy than that of the run, or under none.

    Args:
        model: As that which was trained, with its variables made.
        folder: The folder of the run; nothing is written there.

    Raises:
        ValueError: If the run has no epoch behind it, or no checkpoint of it is whole.
    """
    model.optimizer.build(model.trainable_variables)
    checkpoints = Checkpoints(
        folder / "checkpoints",
        tf.train.Checkpoint(model=model, optimizer=model.optimizer),
        tf.train.Checkpoint(model=model),
        keep=1,
        writes=False,
    )
    state = checkpoints.restore(partial=True)
    if state.best_step is None:
        raise ValueError(
            f"`folder` must hold a run with an epoch behind it. Received: folder={folder}, step "
            f"{state.step}. Go on with it first."
        )
    checkpoints.restore_best(state.best_step)
