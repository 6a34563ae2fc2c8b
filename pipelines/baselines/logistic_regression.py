"""Logistic regression over feature columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

import tfrs_afm


class LogisticRegression(tfrs.Model):
    """The linear term of AFM and DeepFM alone, over the same fields.

        prediction = sigmoid(w0 + sum_i w_i x_i)
    What a model scores above this one, it owes to its interactions.

    Args:
        columns: Feature columns, as for `tfrs_afm.models.AFM`; their vectors are not used.

    Example:
        >>> import tensorflow as tf
        >>> fc = tf.feature_column
        >>> film = fc.categorical_column_with_identity("film", 20)
        >>> model = LogisticRegression([fc.embedding_column(film, 8)])
        >>> model({"film": tf.constant([[3], [4]])}).numpy().tolist()
        [[0.5], [0.5]]
    """

    def __init__(self, columns: Sequence[Any]) -> None:
        super().__init__()
        self.embedding = tfrs_afm.FieldEmbedding(columns)
        self.linear = tfrs_afm.interactions.Linear()
        self.task = tfrs.tasks.Ranking(
            loss=tf.keras.losses.BinaryCrossentropy(),
            metrics=[
                tf.keras.metrics.AUC(name="auc"),
                tf.keras.metrics.BinaryCrossentropy(name="logloss"),
            ],
        )

    @property
    def columns(self) -> list[Any]:
        """The feature columns, in declared order."""
        return list(self.embedding.columns)

    @property
    def trainable_weights(self) -> list[Any]:
        """The linear weights and w0: the vectors are there, but nothing reads them."""
        tables = self.embedding.tables.items()
        linear = [table for name, table in tables if name.endswith("/linear")]
        return [weight for part in (*linear, self.linear) for weight in part.trainable_weights]

    def call(self, features: Mapping[str, Any]) -> Any:
        """Predicts a batch: `(batch, 1)` float32, a probability."""
        fields = self.embedding(features)
        return tf.sigmoid(self.linear(fields.linear, mask=fields.mask))

    def compute_loss(self, inputs: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Computes the loss of `(features, labels)` and updates the metrics."""
        features, labels = inputs
        return self.task(labels=labels, predictions=self(features))
