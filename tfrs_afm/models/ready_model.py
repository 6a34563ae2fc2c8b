"""What AFM and DeepFM share as models: parts that are made of arguments, or given."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.embeddings.field_embedding import FieldEmbedding
from tfrs_afm.models.field_ranking import FieldRanking
from tfrs_afm.types import Column, Layer, Task


class ReadyModel(FieldRanking):
    """A model whose task and embedding are made of its arguments, or given; abstract.

    Args:
        columns: Feature columns; each is a field.
        task: The task, or None.
        embedding: The embedding layer, or None.
        make_task: Makes the task where none is given.
        task_arguments: What `make_task` was told, None for what was left out.
        dim: Length of the vectors where columns leave it open.
        l2: L2 regularization of the rows that a batch looks up.

    Raises:
        ValueError: If an argument comes with a part that overrules it, or the embedding is over
            other columns.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        task: Task | None,
        embedding: Layer | None,
        make_task: Callable[[], Task],
        task_arguments: Mapping[str, Any],
        dim: int | None,
        l2: float | None,
        **kwargs: Any,
    ) -> None:
        _refuse_overruled("task", task, task_arguments)
        _refuse_overruled("embedding", embedding, {"dim": dim, "l2": l2})
        if embedding is not None:
            _refuse_other_columns(columns, embedding)
        super().__init__(
            embedding or FieldEmbedding(columns, dim, l2=l2 or 0.0), task or make_task(), **kwargs
        )
        self._task_arguments, self._own_embedding = tuple(task_arguments), embedding

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, as the parts have them."""
        fields, interaction = self.embedding.get_config(), self.task.interaction.get_config()
        return {
            "name": self.name,
            **{name: fields[name] for name in ("columns", "dim", "l2")},
            **{name: interaction.get(name) for name in self._task_arguments},
            "task": tf.keras.layers.serialize(self.task),
            "embedding": self._own_embedding and tf.keras.layers.serialize(self._own_embedding),
        }

    @classmethod
    def parts_of(
        cls, config: dict[str, Any], task_arguments: Sequence[str], custom_objects: Any = None
    ) -> dict[str, Any]:
        """Turns what `get_config` returned into constructor arguments."""
        parts = cls.objects_of(config, custom_objects)
        parts["embedding"] = config["embedding"] and tf.keras.layers.deserialize(
            config["embedding"], custom_objects
        )
        overruled = [*task_arguments] if parts["task"] is not None else []
        overruled += ["dim", "l2"] if parts["embedding"] is not None else []
        return {**parts, **dict.fromkeys(overruled)}


def _refuse_overruled(part: str, given: Any, arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if given is not None and value is not None:
            raise ValueError(
                f"`{name}` must be left out with `{part}`, which has its own. Received: "
                f"{name}={value}. Set it on the {part}, or leave that out."
            )


def _refuse_other_columns(columns: Sequence[Column], embedding: Layer) -> None:
    wanted, found = ([one.name for one in some] for some in (columns, embedding.columns))
    if wanted != found:
        raise ValueError(
            "`embedding` must be over the columns of the model. Received: an embedding of "
            f"{', '.join(found)}, and columns {', '.join(wanted)}. Give both the same."
        )
