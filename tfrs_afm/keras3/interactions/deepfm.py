"""The deep factorization machine."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tfrs_afm.interactions import formulas
from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.keras3.interactions.deep import Deep
from tfrs_afm.keras3.interactions.linear import Linear
from tfrs_afm.keras3.interactions.members import MemberLayer, build_once, members_shape

if TYPE_CHECKING:
    from tfrs_afm.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="tfrs_afm")
class DeepFM(MemberLayer):
    """Factorization machine and deep tower over the same vectors, to logits.

        logit = w0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j + deep(v)
    Reference: Guo et al. 2017, https://arxiv.org/abs/1703.04247, equation 1.

    Args:
        units: Widths of the hidden layers of the tower.
        activation: Activation of the hidden layers.
        dropout: Share of each hidden layer that training drops. In [0, 1).
        batch_norm: Whether to normalise each hidden layer before its activation.
        l2: L2 regularization of the tower's kernels.

    Call arguments:
        vectors: `(batch, n, dim)` floats with static n and dim, or a list of n tensors
            `(batch, dim)`.
        mask: `(batch, n)` bool, True for a real member. Default: the mask that Keras passes along
            with the vectors, as of `Embedding(mask_zero=True)`, otherwise all real.
        linear: `(batch, n)` floats, `w_i x_i`. Default: no linear terms.
        groups: `(n,)` ints, for example the field of each id; pairs within one group are left out.
            Default: none is.
        branches: Whether to give the logits of the two branches, w0 + 2 (linear terms + pairs) and
            w0 + 2 deep, whose mean is the logit.

    Output shape: `(batch, 1)`, or `(batch, 2)` with `branches`.

    Example:
        >>> import keras
        >>> from tfrs_afm.keras3 import interactions
        >>> tuple(interactions.DeepFM([16, 8])(keras.ops.ones([2, 3, 4])).shape)
        (2, 1)
    """

    def __init__(
        self,
        units: Sequence[int] = (400, 400, 400),
        activation: Any = "relu",
        dropout: float = 0.0,
        *,
        batch_norm: bool = False,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        policy = self.dtype_policy  # parts compute in the precision of the whole
        self._linear = Linear(dtype=policy)
        self._deep = Deep(units, activation, dropout, batch_norm=batch_norm, l2=l2, dtype=policy)

    @property
    def has_branches(self) -> bool:
        """That there are two branches to train apart: pairs, and a tower."""
        return True

    def build(self, input_shape: "Shape") -> None:
        """Makes the weights of the parts."""
        build_once(self._linear, None)
        build_once(self._deep, (None, *members_shape(input_shape)))

    def call(
        self,
        vectors: "Tensor",
        mask: "Tensor | None" = None,
        linear: "Tensor | None" = None,
        groups: "Tensor | None" = None,
        training: bool | None = None,
        *,
        branches: bool = False,
        vectors_mask: "Tensor | None" = None,
    ) -> "Tensor":
        """Scores a batch; see the class. `vectors_mask` is for Keras, which fills it."""
        mask = vectors_mask if mask is None else mask
        vectors, mask, groups = self.members(vectors, mask, groups)
        first = self._linear(linear, mask=mask, batch=ops.shape(vectors)[0])
        first += ops.sum(formulas.sum_of_pairs(ops, vectors, groups), axis=1, keepdims=True)
        deep = self._deep(vectors, training=training)
        if branches:
            return formulas.two_branches(ops, first, deep, self._linear.bias)
        return first + deep

    def contributions(
        self,
        vectors: "Tensor",
        mask: "Tensor | None" = None,
        linear: "Tensor | None" = None,
        groups: "Tensor | None" = None,
    ) -> Contributions:
        """Splits the logits into the parts they are the sum of.

        Args:
            vectors: As in the call.
            mask: As in the call.
            linear: As in the call.
            groups: As in the call.

        Returns:
            The parts; a pair's share is `<v_i, v_j> x_i x_j`.
        """
        vectors, mask, groups = self.members(vectors, mask, groups)
        self.built_for(vectors)
        pairs, pair_mask = formulas.products(ops, vectors, mask, groups)
        return formulas.contributions(
            ops,
            pairs,
            formulas.real_pairs(ops, pairs, pair_mask),
            mask,
            bias=self._linear.bias[0],
            linear=linear,
            deep=self._deep(vectors),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        tower = self._deep.get_config()
        names = ("units", "activation", "dropout", "batch_norm", "l2")
        return {**super().get_config(), **{name: tower[name] for name in names}}
