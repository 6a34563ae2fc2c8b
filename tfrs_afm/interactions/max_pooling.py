"""The largest of the pairs as a pooling."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions.pairwise_product import PairwiseProduct


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MaxPooling(tf.keras.layers.Layer):
    """Takes the largest pair interaction, element by element.

        output_f = max_p x_pf
    Pass it to `AFM(pooling=...)` as the plain alternative to attention. Unlike the other poolings
    it holds all pairs of a batch at once.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> pairs = tf.constant([[[1.0, 8.0], [3.0, 2.0]]])
        >>> tfrs_afm.interactions.MaxPooling()(pairs).numpy().tolist()
        [[3.0, 8.0]]
    """

    def call(self, pairs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Pools a batch; see the class."""
        return tf.reduce_sum(self.attention(pairs, mask) * pairs, axis=1)

    def pool_members(
        self, vectors: Any, mask: Any, groups: Any = None, *, training: bool | None = None
    ) -> Any:
        """Pools the pairs of members.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints in [0, n); pairs within one group are left out.
            training: No matter.

        Returns:
            `(batch, dim)`.
        """
        pairs, pair_mask = PairwiseProduct(dtype=self.dtype_policy)(
            vectors, mask=mask, groups=groups
        )
        return self(pairs, mask=pair_mask)

    def attention(self, pairs: Any, mask: Any = None) -> Any:
        """Returns which pair each element came from.

        Args:
            pairs: `(batch, num_pairs, dim)` floats.
            mask: `(batch, num_pairs)` bool. Default: all real.

        Returns:
            `(batch, num_pairs, dim)`, 1 at the largest real pair (the first of equals), else 0;
            zeros for a row without any.
        """
        if mask is None:
            mask = tf.ones(tf.shape(pairs)[:2], tf.bool)
        real = mask[:, :, tf.newaxis]
        ranked = tf.where(real, pairs, tf.fill(tf.shape(pairs), pairs.dtype.min))
        # Without any pair, as for n below 2, there is nothing to take the largest of.
        ranked = tf.pad(ranked, [[0, 0], [0, 1], [0, 0]], constant_values=pairs.dtype.min)
        one = tf.one_hot(tf.argmax(ranked, axis=1), tf.shape(pairs)[1], axis=1, dtype=pairs.dtype)
        return tf.where(real, one, tf.zeros_like(one))
