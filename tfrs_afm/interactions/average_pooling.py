"""The mean of pairs as a pooling."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions.sum_of_pairs import sum_of_pairs


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class AveragePooling(tf.keras.layers.Layer):
    """Averages pair interactions over the real pairs.

        output = sum_p x_p / num_pairs
    Pass it to `AFM(pooling=...)` as the plain alternative to attention.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> mask = tf.constant([[True, True, False]])
        >>> pairs = tf.constant([[[1.0], [3.0], [9.0]]])
        >>> tfrs_afm.interactions.AveragePooling()(pairs, mask=mask).numpy().tolist()
        [[2.0]]
    """

    def call(self, pairs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Pools a batch; see the class."""
        return tf.einsum("bp,bpd->bd", self.attention(pairs, mask), pairs)

    def pool_members(
        self, vectors: Any, mask: Any, groups: Any = None, *, training: bool | None = None
    ) -> Any:
        """Pools the pairs of members in time linear in their number.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints in [0, n); pairs within one group are left out.
            training: No matter.

        Returns:
            `(batch, dim)`.
        """
        # Counted in float32: float16 ends at 65504, the pairs of 363 members.
        count = sum_of_pairs(tf.cast(mask, tf.float32)[:, :, tf.newaxis], groups)  # (batch, 1)
        share = tf.cast(tf.math.divide_no_nan(1.0, count), vectors.dtype)
        return sum_of_pairs(vectors, groups) * share

    def attention(self, pairs: Any, mask: Any = None) -> Any:
        """Returns the equal share of each real pair and 0 for the others, `(batch, num_pairs)`."""
        real = tf.ones_like(pairs[:, :, 0]) if mask is None else tf.cast(mask, pairs.dtype)
        return tf.math.divide_no_nan(real, tf.reduce_sum(real, axis=1, keepdims=True))
