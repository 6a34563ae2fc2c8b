"""The deep factorization machine."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.interactions import formulas, tensorflow_ops
from tfrs_afm.interactions.deep import Deep
from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.interactions.linear import Linear
from tfrs_afm.interactions.pairs import FactorizationMachine, PairwiseProduct
from tfrs_afm.interactions.vectors import masked_vectors
from tfrs_afm.types import KerasLayer, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class DeepFM(KerasLayer):
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
            `(batch, dim)`, so that it serves as `feature_interaction` of
            `tfrs.experimental.models.Ranking`.
        mask: `(batch, n)` bool, True for a real member. Default: all real.
        linear: `(batch, n)` floats, `w_i x_i`. Default: no linear terms.
        groups: `(n,)` ints in [0, n), for example the field of each id; pairs within one group are
            left out. Default: none is.
        branches: Whether to give the logits of the two branches, w0 + 2 (linear terms + pairs) and
            w0 + 2 deep, whose mean is the logit.

    Output shape: `(batch, 1)`, or `(batch, 2)` with `branches`.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tfrs_afm.interactions.DeepFM([16, 8])(tf.ones([2, 3, 4])).shape
        TensorShape([2, 1])
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
        self._product = PairwiseProduct(dtype=policy)
        self._machine = FactorizationMachine(dtype=policy)
        self._deep = Deep(units, activation, dropout, batch_norm=batch_norm, l2=l2, dtype=policy)

    @property
    def has_branches(self) -> bool:
        """That there are two branches to train apart: pairs, and a tower."""
        return True

    def call(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
        training: bool | None = None,
        *,
        branches: bool = False,
    ) -> Tensor:
        """Scores a batch; see the class."""
        vectors, mask = masked_vectors(vectors, mask)
        first = self._linear(linear, mask=mask, batch=tf.shape(vectors)[0])
        second = self._machine(vectors, groups=groups)
        deep = self._deep(vectors, training=training)
        if branches:
            return formulas.two_branches(tensorflow_ops, first + second, deep, self._linear.bias)
        return first + second + deep

    def contributions(
        self,
        vectors: Tensor,
        mask: Tensor | None = None,
        linear: Tensor | None = None,
        groups: Tensor | None = None,
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
        vectors, mask = masked_vectors(vectors, mask)
        pairs, pair_mask = self._product(vectors, mask=mask, groups=groups)
        return formulas.contributions(
            tensorflow_ops,
            pairs,
            formulas.real_pairs(tensorflow_ops, pairs, pair_mask),
            mask,
            bias=self._linear.bias[0],
            linear=linear,
            deep=self._deep(vectors),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        tower = self._deep.get_config()
        return {
            **super().get_config(),
            **{
                name: tower[name] for name in ("units", "activation", "dropout", "batch_norm", "l2")
            },
        }
