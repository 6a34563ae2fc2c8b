"""AFM over feature columns, ready to train."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm import tasks
from tfrs_afm.models.ready_model import ReadyModel
from tfrs_afm.types import Layer, Task


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="AFMModel")
class AFM(ReadyModel):
    """Attentional factorization machine over feature columns: a `tfrs.Model`.

        logit = w0 + sum_i w_i x_i + p . sum_{i<j} a_ij (v_i * v_j) x_i x_j
    Reference: Xiao et al. 2017, https://arxiv.org/abs/1708.04617.

    Args:
        columns: Feature columns; each is a field.
        attention_units: Width of the attention network. Positive. Default: 16.
        dim: Length of the vectors where columns leave it open. Default: that of the others.
        l2: L2 regularization of the rows that a batch looks up.
        dropout: Share of the pooled vector that training drops. In [0, 1).
        task: A `tfrs_afm.tasks.AFM` with everything else set (losses, metrics, another pooling, a
            deep tower); `attention_units` and `dropout` are then left out.
        embedding: `tfrs_afm.IdEmbedding(columns)`, to cross single ids instead of fields; `dim` and
            `l2` are then left out. Default: a `FieldEmbedding`.

    Raises:
        ValueError: If an argument comes with a `task` or an `embedding` that overrules it, or the
            embedding is over other columns.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> user = fc.categorical_column_with_identity("user", 10)
        >>> film = fc.categorical_column_with_identity("film", 20)
        >>> columns = [fc.embedding_column(user, 8), fc.embedding_column(film, 8)]
        >>> model = tfrs_afm.models.AFM(columns, attention_units=4)
        >>> model({"user": tf.constant([[1], [2]]), "film": tf.constant([[3], [4]])}).shape
        TensorShape([2, 1])
    """

    def __init__(
        self,
        columns: Sequence[Any],
        attention_units: int | None = None,
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
            lambda: tasks.AFM(attention_units or 16, dropout or 0.0),
            {"attention_units": attention_units, "dropout": dropout},
            dim,
            l2,
            **kwargs,
        )

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "AFM":
        """Makes the model that `get_config` described."""
        return cls(**cls.parts_of(config, ("attention_units", "dropout"), custom_objects))
