"""The model that is carried over from."""

import os
from typing import Any

import tensorflow as tf

from tfrs_afm.growth.build_model import build_model
from tfrs_afm.growth.escaped import escaped
from tfrs_afm.growth.parts import Parts
from tfrs_afm.optimizers._row_sparse import RowSparse

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def open_source(source: Any, old_model: Any = None) -> Any:
    """Returns the model that a source holds.

    Args:
        source: A model, the path of a `.keras` file, or a checkpoint's folder or prefix.
        old_model: For a checkpoint, the model to read it into.

    Returns:
        A Keras model.

    Raises:
        ValueError: If there is no such source, `old_model` is missing or given without need, or
            the checkpoint is of another model.
    """
    if isinstance(source, tf.keras.Model):
        _refuse_old_model(source.name, old_model)
        return source
    path = os.fspath(source)
    if path.endswith(".keras"):
        _refuse_old_model(path, old_model)
        if not tf.io.gfile.exists(path):
            raise ValueError(
                f"`source` must exist. Received: source='{path}'. Give the file that "
                "`model.save` wrote."
            )
        return tf.keras.models.load_model(path)
    prefix = tf.train.latest_checkpoint(path) if tf.io.gfile.isdir(path) else path
    if prefix is None or not tf.io.gfile.exists(f"{prefix}.index"):
        raise ValueError(
            "`source` must be a model, a `.keras` file or a checkpoint. Received: "
            f"source='{path}'. Give the folder that a CheckpointManager wrote, or a prefix."
        )
    if old_model is None:
        raise ValueError(
            "`old_model` must be given for a checkpoint, which holds no columns. Received: "
            f"source='{path}'. Make the model as it was when the checkpoint was written."
        )
    _restore(prefix, old_model)
    return old_model


def _refuse_old_model(source: str, old_model: Any) -> None:
    if old_model is not None:
        raise ValueError(
            f"`old_model` must only be given for a checkpoint. Received: source='{source}'. Leave "
            "it out."
        )


def _restore(prefix: str, model: Any) -> None:
    build_model(model, "old_model")
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        optimizer.build(model.trainable_variables)
    shapes = {name: list(shape) for name, shape in tf.train.list_variables(prefix)}
    saved = {name.removesuffix(_VALUE): shape for name, shape in shapes.items()}
    # Written from Checkpoint(model=model, ...), or from the model itself, as by `save_weights`.
    root = "model/" if any(name.startswith("model/") for name in saved) else ""
    for place, variable in _wanted(model).items():
        if saved.get(root + place) != list(variable.shape):
            raise ValueError(
                "`old_model` must be the model of the checkpoint. Received: old_model with "
                f"{list(variable.shape)} as '{place}', where '{prefix}' has "
                f"{saved.get(root + place, 'nothing')}. Make it with the columns and arguments of "
                "that day."
            )
    if optimizer is not None and not _fits(optimizer, saved):
        raise ValueError(
            "`old_model` must be compiled as the model of the checkpoint was. Received: old_model "
            f"with {type(optimizer).__name__}, whose state '{prefix}' does not hold. Compile it "
            "with the optimizer of that day, or not at all to carry over the weights alone."
        )
    if not root:
        checkpoint = tf.train.Checkpoint(model)
    elif optimizer is None:
        checkpoint = tf.train.Checkpoint(model=model)
    else:
        checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    checkpoint.read(prefix).expect_partial()


def _wanted(model: Any) -> dict[str, Any]:
    """The variables of a model by their names in a checkpoint."""
    parts = Parts.of(model)
    wanted = dict(parts.variables)
    for place, layer in parts.embeddings.items():
        for name, table in layer.tables.items():
            for part, variable in table._trackable_children().items():
                if isinstance(variable, tf.Variable):
                    wanted[f"{place}/tables/{escaped(name)}/{part}"] = variable
    return wanted


def _fits(optimizer: Any, saved: dict[str, list[int]]) -> bool:
    """Whether a checkpoint holds the state of such an optimizer."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    for start in ("optimizer/", "model/optimizer/"):
        if isinstance(optimizer, RowSparse):  # which compares the kinds of slots when it restores
            if f"{start}_slots/.ATTRIBUTES/py_state" in saved:
                return True
        elif all(
            saved.get(f"{start}_variables/{index}") == list(variable.shape)
            for index, variable in enumerate(optimizer.variables)
            if variable.shape.rank  # the step counter has a name of its own
        ):
            return True
    return False
