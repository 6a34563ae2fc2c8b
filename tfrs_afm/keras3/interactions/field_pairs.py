"""Poolings of pairs by weights of their fields: a number a pair, or a matrix a pair."""

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import arguments, formulas
from tfrs_afm.keras3.interactions.plain_poolings import PairPooling

if TYPE_CHECKING:
    from tfrs_afm.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="tfrs_afm")
class FieldPairWeights(PairPooling):
    """Sums pair interactions, each times a learned number of its two fields.

        output = sum_{i<j} r_ij (v_i * v_j) x_i x_j
    Attention weighs a pair by what its ids are; here user and film weigh the same in every
    example, at the cost of a plain sum. All r start at 1, as a factorization machine.
    Reference: Pan et al. 2018, "Field-weighted Factorization Machines",
    https://arxiv.org/abs/1806.03514, equation 4.

    Pass it to `AFM(pooling=...)` over fields, whose number and order stay.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats with static num_pairs.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Raises:
        ValueError: If the number of pairs is not static.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> pooled = interactions.FieldPairWeights()(keras.ops.ones([1, 3, 2]))
        >>> keras.ops.convert_to_numpy(pooled).tolist()
        [[3.0, 3.0]]
    """

    def build(self, input_shape: "Shape") -> None:
        """Makes r."""
        count = _static_pairs(input_shape)
        self.weight = self.add_weight(name="weight", shape=(count,), initializer="ones")

    def pool_members(
        self,
        vectors: "Tensor",
        mask: "Tensor",
        groups: "Tensor | None" = None,
        *,
        training: bool | None = None,
    ) -> "Tensor":
        """Pools the pairs of members, without making them; see `AFM`."""
        return formulas.sum_by_weights(ops, vectors, self.weight, groups)

    def attention(self, pairs: "Tensor", mask: "Tensor | None" = None) -> "Tensor":
        """Returns the weight of each real pair and 0 for the others, `(batch, num_pairs)`."""
        return formulas.real_pairs(ops, pairs, mask) * ops.cast(self.weight, pairs.dtype)


@keras.saving.register_keras_serializable(package="tfrs_afm")
class FieldPairMatrices(PairPooling):
    """Sums pair interactions whose first vector goes through a matrix of the two fields.

        output = sum_{i<j} (v_i M_ij) * v_j x_i x_j,    M_ij = I + D_ij
    A film has one vector for what it means to a user and, turned, for what it means to an hour.
    All D start at 0, as a factorization machine.
    Reference: Sun et al. 2021, "FM^2: Field-matrixed Factorization Machines for Recommender
    Systems", https://arxiv.org/abs/2102.12994, equation 5; FwFM is M_ij = r_ij I.

    Pass it to `AFM(pooling=...)` over fields, whose number and order stay. It has
    n(n-1)/2 dim^2 weights.

    Args:
        l2: L2 regularization of D: adds `l2 * sum_ij ||D_ij||^2`.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats, those of `pairs_of`.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Raises:
        ValueError: If the number of pairs is not static.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions as parts
        >>> afm = parts.AFM(pooling=parts.FieldPairMatrices())
        >>> keras.ops.convert_to_numpy(afm(keras.ops.ones([1, 3, 4]))).tolist()
        [[12.0]]
    """

    def __init__(self, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        arguments.check_l2(l2)
        self.l2 = l2

    def build(self, input_shape: "Shape") -> None:
        """Makes D."""
        count, dim = _static_pairs(input_shape), input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(count, dim, dim),
            initializer="zeros",
            regularizer=keras.regularizers.L2(self.l2) if self.l2 else None,
        )

    def pairs_of(
        self, vectors: "Tensor", mask: "Tensor", groups: "Tensor | None" = None
    ) -> tuple[Any, Any]:
        """Makes the pairs that are summed, `(v_i M_ij) * v_j`, and their mask.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints; a pair within one group is not real.

        Returns:
            As `PairwiseProduct`.
        """
        return formulas.turned_products(ops, vectors, mask, self.kernel, groups)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "l2": self.l2}


def _static_pairs(shape: "Shape") -> int:
    return arguments.static_count(shape, shape[1], "members", "weights of their pairs")
