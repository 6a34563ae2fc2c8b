"""Logistic regression over feature columns."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.baselines.linear_term import LinearTerm
from tfrs_afm.models.field_ranking import FieldRanking


@tf.keras.utils.register_keras_serializable(package="pipelines")
class LogisticRegression(FieldRanking):
    """The linear term of AFM and DeepFM alone, over the same fields.

        prediction = sigmoid(w0 + sum_i w_i x_i)
    What a model scores above this one, it owes to its interactions.

    Args:
        columns: Feature columns, as for `tfrs_afm.models.AFM`; their vectors are not used.
        loss: Keras loss of labels and logits. Default: binary cross-entropy from logits. With a
            loss that is not of logits the prediction is the sum itself.
        dim: Length of the vectors where columns leave it open; it does not matter here.
        l2: L2 regularization of the rows that a batch looks up.

    Example:
        >>> import tensorflow as tf
        >>> fc = tf.feature_column
        >>> film = fc.categorical_column_with_identity("film", 20)
        >>> model = LogisticRegression([fc.embedding_column(film, 8)])
        >>> model({"film": tf.constant([[3], [4]])}).numpy().tolist()
        [[0.5], [0.5]]
    """

    def __init__(
        self,
        columns: Sequence[Any],
        loss: Any = None,
        dim: int | None = None,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            tfrs_afm.FieldEmbedding(columns, dim, l2=l2),
            tfrs_afm.tasks.Ranking(LinearTerm(), loss),
            **kwargs,
        )

    @property
    def trainable_weights(self) -> list[Any]:
        """The linear weights and w0: the vectors are there, but nothing reads them."""
        tables = self.embedding.tables.items()
        linear = [table for name, table in tables if name.endswith("/linear")]
        return [weight for part in (*linear, self.task) for weight in part.trainable_weights]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        fields, task = self.embedding.get_config(), self.task.get_config()
        return {
            "name": self.name,
            **{name: fields[name] for name in ("columns", "dim", "l2")},
            "loss": task["loss"],
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "LogisticRegression":
        """Makes the model that `get_config` described."""
        parts = cls.objects_of({**config, "task": None}, custom_objects)
        del parts["task"]
        return cls(**{**parts, "loss": tf.keras.losses.deserialize(config["loss"])})
