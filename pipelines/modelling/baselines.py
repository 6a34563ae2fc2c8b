"""Baselines: logistic regression over feature columns, and the popularity of items."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

import tfrs_afm
from tfrs_afm.models.field_ranking import FieldRanking
from tfrs_afm.types import Layer, Loss, Tensor


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
        calibration: What predictions go through before the sigmoid. Default: nothing.

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
        loss: Loss | None = None,
        dim: int | None = None,
        l2: float = 0.0,
        calibration: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            tfrs_afm.FieldEmbedding(columns, dim, l2=l2),
            tfrs_afm.tasks.Ranking(LinearTerm(), loss, calibration=calibration),
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
            **{name: task[name] for name in ("loss", "calibration") if name in task},
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "LogisticRegression":
        """Makes the model that `get_config` described."""
        parts = cls.objects_of({**config, "task": None}, custom_objects)
        del parts["task"]
        made = {"loss": tf.keras.losses.deserialize(config["loss"])}
        if config.get("calibration") is not None:
            made["calibration"] = tf.keras.layers.deserialize(config["calibration"])
        return cls(**{**parts, **made})


@tf.keras.utils.register_keras_serializable(package="pipelines")
class LinearTerm(tf.keras.layers.Layer):
    """Scores fields by their linear terms alone; takes what interactions take.

        logit = w0 + sum_i w_i x_i

    Example:
        >>> linear = tf.constant([[0.5, 1.0]])
        >>> LinearTerm()(tf.zeros([1, 2, 4]), linear=linear).numpy().tolist()
        [[1.5]]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._linear = tfrs_afm.interactions.Linear(dtype=self.dtype_policy)

    def call(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
        training: bool | None = None,  # noqa: FBT001
    ) -> Tensor:
        """Scores a batch; vectors, groups and training do not matter."""
        del groups, training
        return self._linear(linear, mask=mask, batch=tf.shape(vectors)[0])


class Popularity:
    """Predicts the smoothed positive rate of the item in the training split.

        p(item) = (positives(item) + prior * rate) / (examples(item) + prior)
    with the rate of all training examples, which an unknown item gets.

    Args:
        items: `(examples,)` ids, numbers or text, of the training split.
        labels: `(examples,)` 0 or 1.
        prior: How many examples the rate counts for. Positive.

    Raises:
        ValueError: If there are no examples or `prior` is not positive.

    Example:
        >>> popularity = Popularity([7, 7, 8, 8], [1, 1, 1, 0], prior=2)
        >>> popularity.predict([7, 8, 9]).tolist()
        [0.875, 0.625, 0.75]
    """

    def __init__(self, items: ArrayLike, labels: ArrayLike, prior: float = 5.0) -> None:
        known = np.asarray(items).ravel()
        label = np.asarray(labels, np.float64).ravel()
        if not label.size:
            raise ValueError("`labels` must not be empty. Received: no labels.")
        if prior <= 0:
            raise ValueError(f"`prior` must be positive. Received: prior={prior}.")
        self._rate = float(label.mean())
        self._items, place, count = np.unique(known, return_inverse=True, return_counts=True)
        positives = np.bincount(place.ravel(), weights=label)
        self._rates = (positives + prior * self._rate) / (count + prior)

    def predict(self, items: ArrayLike) -> NDArray[np.float64]:
        """Returns the prediction for each item.

        Args:
            items: `(examples,)` ids, numbers or text,.
        """
        asked = np.asarray(items).ravel()
        place = np.minimum(np.searchsorted(self._items, asked), len(self._items) - 1)
        found: NDArray[np.float64] = np.where(
            self._items[place] == asked, self._rates[place], self._rate
        )
        return found
