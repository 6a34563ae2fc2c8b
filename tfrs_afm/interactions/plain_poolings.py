"""Poolings of pairs without attention: average, sum, maximum."""

import tensorflow as tf

from tfrs_afm.interactions import formulas, tensorflow_ops
from tfrs_afm.types import KerasLayer, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MaxPooling(KerasLayer):
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

    def call(
        self, pairs: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        """Pools a batch; see the class."""
        return tf.reduce_sum(self.attention(pairs, mask) * pairs, axis=1)

    def pool_members(
        self,
        vectors: Tensor,
        mask: Tensor,
        groups: Tensor | None = None,
        *,
        training: bool | None = None,
    ) -> Tensor:
        """Pools the pairs of members.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints in [0, n); pairs within one group are left out.
            training: No matter.

        Returns:
            `(batch, dim)`.
        """
        pairs, real = formulas.products(tensorflow_ops, vectors, mask, groups)
        return self(pairs, mask=real)

    def attention(self, pairs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns which pair each element came from.

        Args:
            pairs: `(batch, num_pairs, dim)` floats.
            mask: `(batch, num_pairs)` bool. Default: all real.

        Returns:
            `(batch, num_pairs, dim)`, 1 at the largest real pair (the first of equals), else 0;
            zeros for a row without any.
        """
        return formulas.largest(tensorflow_ops, pairs, mask)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class AveragePooling(KerasLayer):
    """Averages pair interactions over the real pairs.

        output = sum_p x_p / num_pairs
    Pass it to `AFM(pooling=...)` as the plain alternative to attention.

    Call arguments:
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, True for a real pair. Default: all real.

    Output shape: `(batch, dim)`; zeros where a row has no real pair.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> mask = tf.constant([[True, True, False]])
        >>> pairs = tf.constant([[[1.0], [3.0], [9.0]]])
        >>> tfrs_afm.interactions.AveragePooling()(pairs, mask=mask).numpy().tolist()
        [[2.0]]
    """

    def call(
        self, pairs: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        """Pools a batch; see the class."""
        return formulas.weighted_sum(tensorflow_ops, self.attention(pairs, mask), pairs)

    def pool_members(
        self,
        vectors: Tensor,
        mask: Tensor,
        groups: Tensor | None = None,
        *,
        training: bool | None = None,
    ) -> Tensor:
        """Pools the pairs of members in time linear in their number.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints in [0, n); pairs within one group are left out.
            training: No matter.

        Returns:
            `(batch, dim)`.
        """
        return formulas.average_of_pairs(tensorflow_ops, vectors, mask, groups)

    def attention(self, pairs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the equal share of each real pair and 0 for the others, `(batch, num_pairs)`."""
        return formulas.equal_attention(tensorflow_ops, pairs, mask)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class SumPooling(KerasLayer):
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

    def call(
        self, pairs: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        """Pools a batch; see the class."""
        return formulas.weighted_sum(tensorflow_ops, self.attention(pairs, mask), pairs)

    def pool_members(
        self,
        vectors: Tensor,
        mask: Tensor,
        groups: Tensor | None = None,
        *,
        training: bool | None = None,
    ) -> Tensor:
        """Pools the pairs of members in time linear in their number.

        Args:
            vectors: `(batch, n, dim)` floats, zeros where masked.
            mask: `(batch, n)` bool, True for a real member.
            groups: `(n,)` ints in [0, n); pairs within one group are left out.
            training: No matter.

        Returns:
            `(batch, dim)`.
        """
        return formulas.sum_of_pairs(tensorflow_ops, vectors, groups)

    def attention(self, pairs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns 1 for each real pair and 0 for the others, `(batch, num_pairs)`."""
        return formulas.real_pairs(tensorflow_ops, pairs, mask)
