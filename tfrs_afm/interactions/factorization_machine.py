"""The second-order term of the factorization machine."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions.masked_vectors import masked_vectors
from tfrs_afm.interactions.sum_of_pairs import sum_of_pairs


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class FactorizationMachine(tf.keras.layers.Layer):
    """Sums the inner products of all pairs of members, without forming the pairs.

        output = sum_{i<j} <v_i, v_j> x_i x_j = 1/2 sum_f ((sum_i v_if x_i)^2 - sum_i (v_if x_i)^2)
    Reference: Rendle 2010, "Factorization Machines", lemma 3.1.

    Call arguments:
        vectors: `(batch, n, dim)` floats, `v_i x_i`, or a list of n tensors `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real member. Default: all real.
        groups: `(n,)` ints in [0, n), for example the field of each id; pairs within one group are
            left out. Default: none is.

    Output shape: `(batch, 1)`; 0 for a row with fewer than two real members.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> vectors = tf.constant([[[1.0, 2.0], [3.0, 4.0]]])
        >>> tfrs_afm.interactions.FactorizationMachine()(vectors).numpy().tolist()
        [[11.0]]
    """

    def call(self, vectors: Any, mask: Any = None, groups: Any = None) -> Any:
        """Sums the pairs of a batch; see the class."""
        vectors, _ = masked_vectors(vectors, mask)
        return tf.reduce_sum(sum_of_pairs(vectors, groups), axis=1, keepdims=True)
