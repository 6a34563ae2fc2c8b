"""Poolings of pairs without weights: average, sum, maximum."""

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import formulas
from tfrs_afm.keras3.interactions.members import MemberLayer

if TYPE_CHECKING:
    from tfrs_afm.types import Tensor


class PairPooling(MemberLayer):
    """What all poolings have: pairs are made, weighted by `attention` and summed."""

    def call(
        self, pairs: "Tensor", mask: "Tensor | None" = None, training: bool | None = None
    ) -> "Tensor":
        """Pools a batch; see the class."""
        return formulas.weighted_sum(ops, self.attention(pairs, mask), pairs)

    def pool_members(
        self,
        vectors: "Tensor",
        mask: "Tensor",
        groups: "Tensor | None" = None,
        *,
        training: bool | None = None,
    ) -> "Tensor":
        """Pools the pairs of members.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints in [0, n); pairs within one group are left out.
            training: Whether dropout applies, where there is one.

        Returns:
            `(batch, dim)`.
        """
        pairs, real = self.pairs_of(vectors, mask, groups)
        return self.call(pairs, real, training=training)

    def pairs_of(
        self, vectors: "Tensor", mask: "Tensor", groups: "Tensor | None" = None
    ) -> tuple[Any, Any]:
        """Makes the pairs that are pooled, and their mask; as `PairwiseProduct`.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints; a pair within one group is not real.

        Returns:
            `(batch, num_pairs, dim)` and `(batch, num_pairs)`.
        """
        return formulas.products(ops, vectors, mask, groups)

    def attention(self, pairs: "Tensor", mask: "Tensor | None" = None) -> "Tensor":
        """Returns 1 for each real pair and 0 for the others, `(batch, num_pairs)`."""
        return formulas.real_pairs(ops, pairs, mask)


@keras.saving.register_keras_serializable(package="tfrs_afm")
class SumPooling(PairPooling):
    """Sums pair interactions: every pair counts the same, as in a factorization machine.

        output = sum_p x_p
    Pass it to `AFM(pooling=...)` as the plain alternative to attention.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> pooled = interactions.SumPooling()(keras.ops.ones([1, 3, 2]))
        >>> keras.ops.convert_to_numpy(pooled).tolist()
        [[3.0, 3.0]]
    """

    def pool_members(
        self,
        vectors: "Tensor",
        mask: "Tensor",
        groups: "Tensor | None" = None,
        *,
        training: bool | None = None,
    ) -> "Tensor":
        """Pools the pairs of members in time linear in their number; see `AFM`."""
        return formulas.sum_of_pairs(ops, vectors, groups)


@keras.saving.register_keras_serializable(package="tfrs_afm")
class AveragePooling(PairPooling):
    """Averages pair interactions over the real pairs.

        output = sum_p x_p / num_pairs
    Pass it to `AFM(pooling=...)` as the plain alternative to attention.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> pairs = keras.ops.convert_to_tensor([[[1.0], [3.0]]])
        >>> keras.ops.convert_to_numpy(interactions.AveragePooling()(pairs)).tolist()
        [[2.0]]
    """

    def pool_members(
        self,
        vectors: "Tensor",
        mask: "Tensor",
        groups: "Tensor | None" = None,
        *,
        training: bool | None = None,
    ) -> "Tensor":
        """Pools the pairs of members in time linear in their number; see `AFM`."""
        return formulas.average_of_pairs(ops, vectors, mask, groups)

    def attention(self, pairs: "Tensor", mask: "Tensor | None" = None) -> "Tensor":
        """Returns the equal share of each real pair and 0 for the others, `(batch, num_pairs)`."""
        return formulas.equal_attention(ops, pairs, mask)


@keras.saving.register_keras_serializable(package="tfrs_afm")
class MaxPooling(PairPooling):
    """Takes the largest pair interaction, element by element.

        output_f = max_p x_pf
    Pass it to `AFM(pooling=...)` as the plain alternative to attention.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> pairs = keras.ops.convert_to_tensor([[[1.0, 8.0], [3.0, 2.0]]])
        >>> keras.ops.convert_to_numpy(interactions.MaxPooling()(pairs)).tolist()
        [[3.0, 8.0]]
    """

    def call(
        self, pairs: "Tensor", mask: "Tensor | None" = None, training: bool | None = None
    ) -> "Tensor":
        """Pools a batch; see the class."""
        return ops.sum(self.attention(pairs, mask) * pairs, axis=1)

    def attention(self, pairs: "Tensor", mask: "Tensor | None" = None) -> "Tensor":
        """Returns 1 where an element is the largest of its row's real pairs, else 0."""
        return formulas.largest(ops, pairs, mask)
