"""DeepFM over feature columns, ready to train."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm import tasks
from tfrs_afm.models.ready_model import ReadyModel
from tfrs_afm.types import Layer, Task


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="DeepFMModel")
class DeepFM(ReadyModel):
    """Deep factorization machine over feature columns: a `tfrs.Model`.

        logit = w0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j + deep(v)
    Reference: Guo et al. 2017, https://arxiv.org/abs/1703.04247.

    Args:
        columns: Feature columns; each is a field.
        units: Widths of the hidden layers of the deep tower. Default: 400, 400, 400.
        dim: Length of the vectors where columns leave it open. Default: that of the others.
        l2: L2 regularization of the rows that a batch looks up.
        dropout: Share of each hidden layer that training drops. In [0, 1).
        task: A `tfrs_afm.tasks.DeepFM` with everything else set (losses, metrics, batch norm), or
            a `tfrs_afm.tasks.Ranking`; `units` and `dropout` are then left out.
        embedding: A `tfrs_afm.FieldEmbedding(columns)` of your own, with pooling rules or tables;
            `dim` and `l2` are then left out. Default: one without.

    Raises:
        ValueError: If an argument comes with a `task` or an `embedding` that overrules it, or the
            embedding is over other columns.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> user = fc.categorical_column_with_identity("user", 10)
        >>> film = fc.categorical_column_with_identity("film", 20)
        >>> columns = [fc.embedding_column(user, 8), fc.embedding_column(film, 8)]
        >>> model = tfrs_afm.models.DeepFM(columns, units=[16, 8])
        >>> model({"user": tf.constant([[1], [2]]), "film": tf.constant([[3], [4]])}).shape
        TensorShape([2, 1])
    """

    def __init__(
        self,
        columns: Sequence[Any],
        units: Sequence[int] | None = None,
        dim: int | None = None,
        l2: float | None = None,
        dropout: float | None = None,
        task: Task | None = None,
        embedding: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            columns,
            task,
            embedding,
            lambda: tasks.DeepFM(units or (400, 400, 400), dropout=dropout or 0.0),
            {"units": units, "dropout": dropout},
            dim,
            l2,
            **kwargs,
        )

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "DeepFM":
        """Makes the model that `get_config` described."""
        return cls(**cls.parts_of(config, ("units", "dropout"), custom_objects))
