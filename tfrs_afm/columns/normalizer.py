"""Numbers brought to one size."""

import dataclasses
from typing import Any

import tensorflow as tf

from tfrs_afm.types import Tensor


@dataclasses.dataclass(frozen=True)
class Normalizer:
    """A `normalizer_fn` for numeric columns that is saved with the model.

        y = (f(x) - shift) / scale,    f(x) = x, or sign(x) log(1 + |x|) with `log`
    TensorFlow saves a `normalizer_fn` by its name only, and a lambda not at all; this one keeps
    its numbers through `model.save` and loads with `import tfrs_afm` alone.

    Args:
        shift: What becomes 0, after the logarithm: the mean, or the smallest value.
        scale: What becomes 1: the standard deviation, or the range. Not 0.
        log: Whether to take the logarithm first, for counts and amounts.

    Raises:
        ValueError: If `scale` is 0.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> decades = tfrs_afm.Normalizer(shift=35.0, scale=10.0)
        >>> age = tf.feature_column.numeric_column("age", normalizer_fn=decades)
        >>> decades(tf.constant([45.0])).numpy().tolist()
        [1.0]
    """

    shift: float = 0.0
    scale: float = 1.0
    log: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Checks the scale."""
        if not self.scale:
            raise ValueError(
                "`scale` must not be 0. Received: scale=0. Use 1 where all numbers are the same."
            )

    def __call__(self, numbers: Tensor) -> Any:
        """Normalizes numbers of any shape; NaN stays NaN.

        Args:
            numbers: A Tensor or SparseTensor of any numeric type.

        Returns:
            float32 of the same shape.
        """
        if isinstance(numbers, tf.SparseTensor):
            return numbers.with_values(self(numbers.values))
        numbers = tf.cast(numbers, tf.float32)
        if self.log:
            numbers = tf.sign(numbers) * tf.math.log1p(tf.abs(numbers))
        return (numbers - self.shift) / self.scale

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Normalizer":
        """Makes the normalizer that `get_config` described."""
        return cls(**config)
