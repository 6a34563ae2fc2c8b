"""The parts of a model by their place in it."""

import dataclasses
from typing import Any, Self

import tensorflow as tf

from tfrs_afm.embeddings.column_embedding import ColumnEmbedding
from tfrs_afm.growth.escaped import escaped
from tfrs_afm.interactions.deep import Deep

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
    def of(cls, model: Any) -> Self:
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
