"""Several tasks over feature columns, ready to train."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.embeddings.field_embedding import FieldEmbedding
from tfrs_afm.models.field_ranking import FieldRanking
from tfrs_afm.tasks.joint import Joint


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="MultiTaskModel")
class MultiTask(FieldRanking):
    """Several tasks over one embedding of feature columns: a `tfrs.Model`.

    For example click and rating: one set of tables learns from both. Labels are dicts by the name
    of the task, and so are logits and predictions; sample weights may be.

    Args:
        columns: Feature columns; each is a field.
        tasks: Tasks by name, `tfrs_afm.tasks.AFM` and `DeepFM` in any mix.
        weights: Weights of the losses by name. Default: 1 each.
        dim: Length of the vectors where columns leave it open. Default: that of the others.
        l2: L2 regularization of the rows that a batch looks up.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> user = fc.categorical_column_with_identity("user", 10)
        >>> film = fc.categorical_column_with_identity("film", 20)
        >>> columns = [fc.embedding_column(user, 8), fc.embedding_column(film, 8)]
        >>> rating = tfrs_afm.tasks.AFM(4, loss=tfrs_afm.tasks.losses.ClippedSquaredError(1, 5))
        >>> tasks = {"click": tfrs_afm.tasks.DeepFM([16]), "rating": rating}
        >>> model = tfrs_afm.models.MultiTask(columns, tasks, weights={"rating": 0.5})
        >>> scores = model({"user": tf.constant([1, 2]), "film": tf.constant([3, 4])})
        >>> {name: score.shape for name, score in scores.items()}
        {'click': TensorShape([2, 1]), 'rating': TensorShape([2, 1])}
    """

    def __init__(
        self,
        columns: Sequence[Any],
        tasks: Mapping[str, Any],
        weights: Mapping[str, float] | None = None,
        dim: int | None = None,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(FieldEmbedding(columns, dim, l2=l2), Joint(tasks, weights), **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        fields, task = self.embedding.get_config(), self.task.get_config()
        return {
            "name": self.name,
            **{name: fields[name] for name in ("columns", "dim", "l2")},
            "tasks": task["tasks"],
            "weights": task["weights"],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "MultiTask":
        """Makes the model that `get_config` described."""
        parts = cls.objects_of({**config, "task": None}, custom_objects)
        del parts["task"]
        tasks = {
            name: tf.keras.layers.deserialize(task, custom_objects)
            for name, task in config["tasks"].items()
        }
        return cls(**{**parts, "tasks": tasks})
