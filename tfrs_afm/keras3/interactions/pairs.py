"""The pairs of members: their products, and the sum of all of them (FM)."""

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import formulas
from tfrs_afm.keras3.interactions.members import MemberLayer

if TYPE_CHECKING:
    from tfrs_afm.types import Tensor


@keras.saving.register_keras_serializable(package="tfrs_afm")
class PairwiseProduct(MemberLayer):
    """Multiplies the vectors of every pair of members, element by element.

        pairs = {(v_i * v_j) x_i x_j} for i < j, ordered (0, 1), (0, 2), ..., (n - 2, n - 1)
    Reference: Xiao et al. 2017, https://arxiv.org/abs/1708.04617, "Pair-wise Interaction Layer".

    Call arguments:
        vectors: `(batch, n, dim)` floats, `v_i x_i`, or a list of n tensors `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real member. Default: the mask that Keras passes along
            with the vectors, otherwise all real.
        groups: `(n,)` ints, for example the field of each id; a pair within one group is not real.
            Default: every member is its own group.

    Returns:
        `pairs (batch, num_pairs, dim)` and `mask (batch, num_pairs)`, where
        `num_pairs = n(n-1)/2` and a pair is real if both of its members are, of different groups.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> vectors = keras.ops.convert_to_tensor([[[1.0, 2.0], [3.0, 4.0]]])
        >>> pairs, mask = interactions.PairwiseProduct()(vectors)
        >>> keras.ops.convert_to_numpy(pairs).tolist()
        [[[3.0, 8.0]]]
    """

    def call(
        self,
        vectors: "Tensor",
        mask: "Tensor | None" = None,
        groups: "Tensor | None" = None,
        vectors_mask: "Tensor | None" = None,
    ) -> tuple[Any, Any]:
        """Makes the pairs of a batch; see the class."""
        mask = vectors_mask if mask is None else mask
        return formulas.products(ops, *self.members(vectors, mask, groups))


@keras.saving.register_keras_serializable(package="tfrs_afm")
class FactorizationMachine(MemberLayer):
    """Sums the inner products of all pairs of members, without forming the pairs.

        output = sum_{i<j} <v_i, v_j> x_i x_j = 1/2 sum_f ((sum_i v_if x_i)^2 - sum_i (v_if x_i)^2)
    Reference: Rendle 2010, "Factorization Machines", lemma 3.1.

    Call arguments:
        vectors: `(batch, n, dim)` floats, `v_i x_i`, or a list of n tensors `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real member. Default: the mask that Keras passes along
            with the vectors, otherwise all real.
        groups: `(n,)` ints, for example the field of each id; pairs within one group are left out.
            Default: none is.

    Output shape: `(batch, 1)`; 0 for a row with fewer than two real members.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> vectors = keras.ops.convert_to_tensor([[[1.0, 2.0], [3.0, 4.0]]])
        >>> keras.ops.convert_to_numpy(interactions.FactorizationMachine()(vectors)).tolist()
        [[11.0]]
    """

    def call(
        self,
        vectors: "Tensor",
        mask: "Tensor | None" = None,
        groups: "Tensor | None" = None,
        vectors_mask: "Tensor | None" = None,
    ) -> "Tensor":
        """Sums the pairs of a batch; see the class."""
        mask = vectors_mask if mask is None else mask
        vectors, _, groups = self.members(vectors, mask, groups)
        return ops.sum(formulas.sum_of_pairs(ops, vectors, groups), axis=1, keepdims=True)
