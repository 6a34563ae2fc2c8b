"""The pairs of members: their products, and the sum of all of them (FM)."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions import formulas, tensorflow_ops
from tfrs_afm.interactions.vectors import masked_vectors
from tfrs_afm.types import KerasLayer, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class PairwiseProduct(KerasLayer):
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

    def call(
        self, vectors: Tensor, mask: Tensor | None = None, groups: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Makes the pairs of a batch; see the class."""
        vectors, mask = masked_vectors(vectors, mask)
        return formulas.products(tensorflow_ops, vectors, mask, groups)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class FactorizationMachine(KerasLayer):
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

    def call(
        self, vectors: Tensor, mask: Tensor | None = None, groups: Tensor | None = None
    ) -> Tensor:
        """Sums the pairs of a batch; see the class."""
        vectors, _ = masked_vectors(vectors, mask)
        return tf.reduce_sum(
            formulas.sum_of_pairs(tensorflow_ops, vectors, groups), axis=1, keepdims=True
        )
