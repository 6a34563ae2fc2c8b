"""Follow-the-regularized-leader over the rows a batch looked up."""

from typing import Any

import tensorflow as tf

from tfrs_afm._host import slots
from tfrs_afm.kernels.row_updates import Rule
from tfrs_afm.optimizers._row_sparse import RowSparse
from tfrs_afm.types import Tensor, Variable


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Ftrl(RowSparse, tf.keras.optimizers.Ftrl):
    """FTRL-proximal as the legacy Keras optimizer computes it, on the new optimizer API.

    tf_keras' new Ftrl makes a sparse gradient dense: it touches the whole table at each step, and
    sets every row that was not looked up yet to zero. Here, with p = -learning_rate_power and
    l2 = l2_regularization_strength + beta / (2 learning_rate), for each row r of the batch:
        s   <- g_r + 2 l2_shrinkage_regularization_strength w_r
        n   <- n_r + g_r^2
        z_r <- z_r + s - (n^p - n_r^p) / learning_rate w_r,    n_r <- n
        w_r <- (clip(z_r, -l1, l1) - z_r) / (n^p / learning_rate + 2 l2)
    and the same for all rows of a variable with a dense gradient.

    FTRL forgets a weight's initial value: w becomes a function of z and n alone. For embedding
    vectors, whose random start matters, pass `initial_accumulator_value=0.0`, which keeps it.
    Reference: McMahan et al. 2013, https://research.google/pubs/pub41159/.

    Args:
        learning_rate: Float, or a `tf.keras.optimizers.schedules.LearningRateSchedule`.
        learning_rate_power: At most 0; 0 for a fixed learning rate.
        initial_accumulator_value: First value of n. Not negative.
        l1_regularization_strength: L1 penalty: makes weights exactly zero. Not negative.
        l2_regularization_strength: L2 penalty. Not negative.
        l2_shrinkage_regularization_strength: L2 penalty on the weights in the batch alone, added
            to the gradient. Not negative.
        **kwargs: `beta` (added to the root of n, as in the paper, default 0) and those of
            `tf.keras.optimizers.Optimizer`: `name`, `weight_decay` (of the rows looked up),
            `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema` (a pass over the whole table at
            each step), `ema_momentum`, `ema_overwrite_frequency`, `jit_compile` (of dense
            gradients).

    Raises:
        ValueError: If a number is on the wrong side of zero.

    Example:
        >>> import tensorflow as tf
        >>> import tfrs_afm.optimizers
        >>> table = tf.Variable(tf.ones([3, 1]))
        >>> optimizer = tfrs_afm.optimizers.Ftrl(0.5, initial_accumulator_value=0.0)
        >>> with tf.GradientTape() as tape:
        ...     loss = tf.reduce_sum(tf.gather(table, [1]))
        >>> _ = optimizer.apply_gradients([(tape.gradient(loss, table), table)])
        >>> table.numpy().tolist()
        [[1.0], [0.5], [1.0]]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            learning_rate_power=learning_rate_power,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            **kwargs,
        )

    def update_all(self, gradient: Tensor, variable: Variable) -> None:
        """Applies a dense gradient to the whole variable."""
        accumulator, linear = slots(self, variable, "accumulators", "linears")
        w, n, z = self._updated(gradient, variable, accumulator, linear)
        accumulator.assign(n)
        linear.assign(z)
        variable.assign(w)

    def update_rows(self, gradient: tf.IndexedSlices, variable: Variable) -> None:
        """Applies a gradient whose `indices` are distinct to those rows of the variable."""
        ids, g = gradient.indices, gradient.values
        accumulator, linear = slots(self, variable, "accumulators", "linears")
        w, n, z = self._updated(
            g, tf.gather(variable, ids), tf.gather(accumulator, ids), tf.gather(linear, ids)
        )
        accumulator.scatter_update(tf.IndexedSlices(n, ids))
        linear.scatter_update(tf.IndexedSlices(z, ids))
        variable.scatter_update(tf.IndexedSlices(w, ids))

    def kernel_rule(self) -> Rule:
        """The rule of `update_rows` and `update_all` as the kernels know it."""
        rate = tf.cast(self.learning_rate, tf.float32)
        numbers = (
            rate,
            -self.learning_rate_power,
            self.l1_regularization_strength,
            self._l2(rate),
            self.l2_shrinkage_regularization_strength,
        )
        return Rule("ftrl", ("accumulators", "linears"), numbers)

    def _l2(self, rate: Tensor) -> Tensor:
        return self.l2_regularization_strength + self.beta / (2 * rate)

    def _updated(self, g: Tensor, w: Tensor, n: Tensor, z: Tensor) -> tuple[Any, Any, Any]:
        """Returns weights, accumulator and linear term after a gradient, elementwise."""
        rate = tf.cast(self.learning_rate, g.dtype)
        power = -self.learning_rate_power
        l1 = self.l1_regularization_strength
        l2 = self._l2(rate)
        shrunk = g + 2 * self.l2_shrinkage_regularization_strength * w
        new_n = n + tf.square(g)
        new_z = z + shrunk - (tf.pow(new_n, power) - tf.pow(n, power)) / rate * w
        numerator = tf.clip_by_value(new_z, -l1, l1) - new_z
        # A weight without any gradient so far has 0 over 0: the legacy kernel gives 0 there too.
        new_w = tf.math.divide_no_nan(numerator, tf.pow(new_n, power) / rate + 2 * l2)
        return new_w, new_n, new_z
