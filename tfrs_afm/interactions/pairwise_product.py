"""The pairs of members."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions.masked_vectors import masked_vectors


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class PairwiseProduct(tf.keras.layers.Layer):
    """Multiplies the vectors of every pair of members, element by element.

        pairs = {(v_i * v_j) x_i x_j} for i < j, ordered (0, 1), (0, 2), ..., (n - 2, n - 1)
    Reference: Xiao et al. 2017, https://arxiv.org/abs/1708.04617, "Pair-wise Interaction Layer".

    Call arguments:
        vectors: `(batch, n, dim)` floats, `v_i x_i`, or a list of n tensors `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real member. Default: all real.
        groups: `(n,)` ints, for example the field of each id; a pair within one group is not real.
            Default: every member is its own group.

    Returns:
        `pairs (batch, num_pairs, dim)` and `mask (batch, num_pairs)`, where
        `num_pairs = n(n-1)/2` and a pair is real if both of its members are, of different groups.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> vectors = tf.constant([[[1.0, 2.0], [3.0, 4.0]]])
        >>> pairs, mask = tfrs_afm.interactions.PairwiseProduct()(vectors)
        >>> pairs.numpy().tolist(), mask.numpy().tolist()
        ([[[3.0, 8.0]]], [[True]])
    """

    def call(self, vectors: Any, mask: Any = None, groups: Any = None) -> tuple[Any, Any]:
        """Makes the pairs of a batch; see the class."""
        vectors, mask = masked_vectors(vectors, mask)
        n = tf.shape(vectors)[1]
        one = tf.range(n)
        pair = tf.where(one[:, tf.newaxis] < one)  # (num_pairs, 2), row by row
        first, second = pair[:, 0], pair[:, 1]
        pairs = tf.gather(vectors, first, axis=1) * tf.gather(vectors, second, axis=1)
        real = tf.gather(mask, first, axis=1) & tf.gather(mask, second, axis=1)
        if groups is not None:
            real &= tf.gather(groups, first) != tf.gather(groups, second)
        return pairs, real
