"""The model that is carried over from: opened, and taken apart."""

import dataclasses
import os
from typing import Any, Self

import numpy as np
import tensorflow as tf

from tfrs_afm.columns.parsing import parse_spec
from tfrs_afm.embeddings.column_embedding import ColumnEmbedding
from tfrs_afm.interactions.deep import Deep
from tfrs_afm.models.load_model import load_model
from tfrs_afm.optimizers._row_sparse import RowSparse
from tfrs_afm.types import Model, Optimizer

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def open_source(source: Any, old_model: Model | None = None) -> Model:
    """Returns the model that a source holds.

    Args:
        source: A model, the path of a `.keras` file, or a checkpoint's folder or prefix.
        old_model: For a checkpoint, the model to read it into.

    Returns:
        A Keras model.

    Raises:
        ValueError: If there is no such source, `old_model` is missing or given without need, or
            the checkpoint is of another model; or `tfrs_afm.models.load_model` refuses the file.
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
        return load_model(path, compile=True)
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


def _refuse_old_model(source: str, old_model: Model) -> None:
    if old_model is not None:
        raise ValueError(
            f"`old_model` must only be given for a checkpoint. Received: source='{source}'. Leave "
            "it out."
        )


def _restore(prefix: str, model: Model) -> None:
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


def _wanted(model: Model) -> dict[str, Any]:
    """The variables of a model by their names in a checkpoint."""
    parts = Parts.of(model)
    wanted = dict(parts.variables)
    for place, layer in parts.embeddings.items():
        for name, table in layer.tables.items():
            for part, variable in table._trackable_children().items():
                if isinstance(variable, tf.Variable):
                    wanted[f"{place}/tables/{escaped(name)}/{part}"] = variable
    return wanted


def _fits(optimizer: Optimizer, saved: dict[str, list[int]]) -> bool:
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


def build_model(model: Model, argument: str) -> None:
    """Makes the variables of a model, from an empty batch, if it has none yet.

    Args:
        model: A Keras model.
        argument: What it is called where it came in, for the message.

    Raises:
        ValueError: If it has no `columns` from which to tell what to call it on.
    """
    if not Parts.of(model).built and hasattr(model, "columns"):
        model(tf.io.parse_example(tf.zeros([0], tf.string), parse_spec(model.columns)))
    if not Parts.of(model).built:
        raise ValueError(
            f"`{argument}` must be built. Received: {argument}={model.name} without weights. Call "
            "it on a batch first."
        )


_LEFT_OUT = (
    tf.keras.metrics.Metric,
    tf.keras.optimizers.Optimizer,
    tf.keras.optimizers.legacy.Optimizer,
)


@dataclasses.dataclass(frozen=True)
class Parts:
    """The parts of a model that hold its weights, by their place in it.

    Places are those of TensorFlow's checkpoints, such as `task/interaction/_linear/bias`:
    attributes and keys, which do not depend on how many layers Keras has numbered before. Metrics
    and the optimizer are left out.

    Attributes:
        embeddings: The embedding layers.
        towers: The deep towers, whose first kernel has a block of rows for each field.
        variables: All variables outside of tables.
        owners: For each of these, the layers it is inside of, from the model to the innermost.
    """

    embeddings: dict[str, ColumnEmbedding]
    towers: dict[str, Deep]
    variables: dict[str, Any]
    owners: dict[str, tuple[Any, ...]]

    @classmethod
    def of(cls, model: Model) -> Self:
        """Goes through a model, each part once.

        Args:
            model: A Keras model that has been built.
        """
        parts = cls({}, {}, {}, {})
        seen: set[int] = set()
        waiting: list[tuple[str, Any, tuple[Any, ...]]] = [("", model, ())]
        while waiting:
            place, part, inside = waiting.pop()
            if id(part) in seen or isinstance(part, _LEFT_OUT):
                continue
            seen.add(id(part))
            if isinstance(part, tf.Variable):
                parts.variables[place] = part
                parts.owners[place] = inside
                continue
            if isinstance(part, ColumnEmbedding):
                parts.embeddings[place] = part
                seen.update(id(table) for table in part.tables.values())
            if isinstance(part, Deep):
                parts.towers[place] = part
            if isinstance(part, tf.keras.layers.Layer):
                inside = (*inside, part)
            waiting += [
                (f"{place}/{escaped(name)}" if place else escaped(name), child, inside)
                for name, child in reversed(part._trackable_children().items())
            ]
        return parts

    @property
    def built(self) -> bool:
        """Whether there are variables, those of every table included."""
        tables = [table for one in self.embeddings.values() for table in one.tables.values()]
        return all(table.built for table in tables) and bool(tables or self.variables)

    @property
    def fields(self) -> list[list[str]]:
        """The names of the fields of each embedding layer, in the order of vectors."""
        return [[field.name for field in one.fields] for one in self.embeddings.values()]

    def tower_of(self, place: str) -> str | None:
        """The place of the deep tower that a variable belongs to, or None."""
        return next((one for one in self.towers if place.startswith(f"{one}/")), None)


def escaped(name: str) -> str:
    """Returns a name as TensorFlow's checkpoints write it between slashes.

    Args:
        name: Name of an attribute, or key of a dict, which may hold slashes itself.
    """
    return name.replace(".", "..").replace("/", ".S")


@dataclasses.dataclass(frozen=True)
class Copy:
    """A copy of numbers from one variable to another that is planned but not yet made.

    Attributes:
        old: The variable to read.
        new: The variable to write.
        rows: `(rows of new,)`, the row of `old` for each row of `new`, -1 for one to be left
            alone. None copies the whole variable.
    """

    old: Any
    new: Any
    rows: np.ndarray | None = None

    def make(self) -> None:
        """Copies."""
        if self.rows is None:
            self.new.assign(self.old.numpy())
            return
        values = self.new.numpy()
        known = self.rows >= 0
        values[known] = self.old.numpy()[self.rows[known]]
        self.new.assign(values)
