"""The sum of pairs as a pooling."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions.sum_of_pairs import sum_of_pairs


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class SumPooling(tf.keras.layers.Layer):
    """Sums pair interactions: every pair counts the same, as in a factorization machine.

        output = sum_p x_p
    Pass it to `AFM(pooling=...)` as the plain alternative to attention.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tfrs_afm.interactions.SumPooling()(tf.ones([1, 3, 2])).numpy().tolist()
        [[3.0, 3.0]]
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
        return sum_of_pairs(vectors, groups)

    def attention(self, pairs: Any, mask: Any = None) -> Any:
        """Returns 1 for each real pair and 0 for the others, `(batch, num_pairs)`."""
        return tf.ones_like(pairs[:, :, 0]) if mask is None else tf.cast(mask, pairs.dtype)
