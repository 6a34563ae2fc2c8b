"""The linear term as an interaction."""

from typing import Any

import tensorflow as tf

import tfrs_afm


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
        vectors: Any,
        mask: Any = None,
        linear: Any = None,
        groups: Any = None,
        training: bool | None = None,  # noqa: FBT001
    ) -> Any:
        """Scores a batch; vectors, groups and training do not matter."""
        del groups, training
        return self._linear(linear, mask=mask, batch=tf.shape(vectors)[0])
