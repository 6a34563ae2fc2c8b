"""Squared error of ratings within known bounds."""

from typing import Any

import tensorflow as tf


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class ClippedSquaredError(tf.keras.losses.Loss):
    """Squared error for ratings; predictions are clipped to the bounds that ratings have.

        loss = scale (y - logit)^2,    prediction = min(max(logit, low), high)
    The gradient is of the unclipped logit, so an example beyond a bound still learns; metrics and
    served scores see the clipped prediction, as the authors of AFM evaluate theirs.

    Args:
        low: The smallest rating.
        high: The largest rating.
        scale: Factor of the loss; 0.5 is the authors' convention.
        name: Name of the loss.

    Raises:
        ValueError: If `low` is not below `high`.

    Example:
        >>> import tfrs_afm
        >>> loss = tfrs_afm.tasks.losses.ClippedSquaredError(1.0, 5.0)
        >>> float(loss([[4.0]], [[6.0]])), loss.predictions([[6.0]]).numpy().tolist()
        (4.0, [[5.0]])
    """

    def __init__(
        self,
        low: float,
        high: float,
        scale: float = 1.0,
        name: str = "clipped_squared_error",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if low >= high:
            raise ValueError(
                f"`low` must be below `high`. Received: low={low}, high={high}. "
                "Pass the bounds of the ratings, for example 1 and 5."
            )
        self.low, self.high, self.scale = low, high, scale

    def call(self, labels: Any, logits: Any) -> Any:
        """Computes `(batch,)` losses."""
        logits = tf.convert_to_tensor(logits)
        return self.scale * tf.reduce_mean(tf.square(tf.cast(labels, logits.dtype) - logits), -1)

    def predictions(self, logits: Any) -> Any:
        """Clips logits to the bounds."""
        return tf.clip_by_value(logits, self.low, self.high)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        own = {"low": self.low, "high": self.high, "scale": self.scale}
        return {**super().get_config(), **own}
