"""Training that keeps the best weights."""

import importlib.util
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.training.fit_progress import fit_progress

_MONITOR = "val_logloss"


def fit_best(
    model: Any,
    train: Any,
    validation: Any,
    folder: Path,
    *,
    epochs: int,
    patience: int,
    description: str = "Training",
) -> dict[str, list[float]]:
    """Fits a model until the validation logloss no longer falls, and goes back to its best weights.

    Writes TensorBoard logs to `logs` and the best weights to `checkpoint`, from where
    `model.load_weights(folder / "checkpoint" / "weights")` brings them back.

    Args:
        model: A compiled model with a metric "logloss".
        train: Batches of `(features, labels)`, in another order each epoch.
        validation: Batches of `(features, labels)`.
        folder: An existing folder.
        epochs: Most passes over `train`.
        patience: Passes without a better validation logloss after which training ends.
        description: What is being done, for the progress bar.

    Returns:
        Metric -> its value after each epoch, the validation part's behind `val_`.

    Raises:
        ValueError: If the validation logloss is never a number, so that no weights are best.
        ImportError: If TensorBoard is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise ImportError(
            "tensorboard must be installed to log training. Run: pip install 'tfrs-afm[pipelines]'."
        )
    weights = folder / "checkpoint" / "weights"
    callbacks = [
        tf.keras.callbacks.ModelCheckpoint(
            str(weights), _MONITOR, save_best_only=True, save_weights_only=True, mode="min"
        ),
        tf.keras.callbacks.EarlyStopping(_MONITOR, patience=patience, mode="min"),
        tf.keras.callbacks.TensorBoard(str(folder / "logs"), write_graph=False, profile_batch=0),
    ]
    with fit_progress(description, epochs) as shown:
        history = model.fit(
            train,
            validation_data=validation,
            epochs=epochs,
            callbacks=[*callbacks, *shown],
            verbose=0,
        ).history
    if not weights.with_suffix(".index").is_file():
        raise ValueError(
            "`model` must have a finite validation logloss. "
            f"Received: logloss={history[_MONITOR]}. Take a smaller learning rate."
        )
    model.load_weights(str(weights)).expect_partial()  # the optimizer's state is of no more use
    return {name: [float(value) for value in values] for name, values in history.items()}
