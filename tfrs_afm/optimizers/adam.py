"""Adam over the rows a batch looked up."""

from typing import Any

import tensorflow as tf

from tfrs_afm._host import slots
from tfrs_afm.kernels.row_updates import Rule
from tfrs_afm.optimizers._row_sparse import RowSparse
from tfrs_afm.types import Variable


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Adam(RowSparse, tf.keras.optimizers.Adam):
    """Adam whose step costs what the batch looked up, whatever the size of the table.

    tf_keras' Adam decays the moments of the whole table, and moves all of it, at every step. Here
    a row that the batch did not look up keeps its value and its moments ("lazy" Adam):
        m_r <- beta_1 m_r + (1 - beta_1) g_r
        v_r <- beta_2 v_r + (1 - beta_2) g_r^2
        w_r <- w_r - learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m_r / (sqrt(v_r) + epsilon)
    for the rows r in the batch, t counting all steps; with `amsgrad`, the largest v_r so far
    stands for v_r in the last line. A variable with a dense gradient is updated as by tf_keras.
    Reference: Kingma and Ba 2014, https://arxiv.org/abs/1412.6980; Reddi et al. 2018,
    https://openreview.net/forum?id=ryQu7f-RZ, for `amsgrad`.

    Args:
        learning_rate: Float, or a `tf.keras.optimizers.schedules.LearningRateSchedule`.
        beta_1: Decay of the first moment, in [0, 1).
        beta_2: Decay of the second moment, in [0, 1).
        epsilon: Added to the denominator.
        amsgrad: Whether the denominator never shrinks.
        adaptive_epsilon: Whether `epsilon` is that of the paper's Algorithm 1, which is scaled by
            sqrt(1 - beta_2^t) here.
        **kwargs: Those of `tf.keras.optimizers.Optimizer`: `name`, `weight_decay` (of the rows
            looked up), `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema` (a pass over the
            whole table at each step), `ema_momentum`, `ema_overwrite_frequency`, `jit_compile`
            (of dense gradients).

    Example:
        >>> import tensorflow as tf
        >>> import tfrs_afm.optimizers
        >>> table = tf.Variable(tf.ones([4, 2]))
        >>> optimizer = tfrs_afm.optimizers.Adam(0.5)
        >>> with tf.GradientTape() as tape:
        ...     loss = tf.reduce_sum(tf.gather(table, [1, 1]))
        >>> _ = optimizer.apply_gradients([(tape.gradient(loss, table), table)])
        >>> table.numpy().round(2).tolist()
        [[1.0, 1.0], [0.5, 0.5], [1.0, 1.0], [1.0, 1.0]]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *,
        amsgrad: bool = False,
        adaptive_epsilon: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            adaptive_epsilon=adaptive_epsilon,
            **kwargs,
        )

    def update_rows(self, gradient: tf.IndexedSlices, variable: Variable) -> None:
        """Applies a gradient whose `indices` are distinct to those rows of the variable."""
        rate, epsilon = self._rate_and_epsilon(variable.dtype)
        ids = gradient.indices
        momentum, velocity = slots(self, variable, "momentums", "velocities")
        m, v = tf.gather(momentum, ids), tf.gather(velocity, ids)
        # As tf_keras has it: a float32 of beta has lost digits that 1 - beta needs.
        m += (gradient.values - m) * (1 - self.beta_1)
        v += (tf.square(gradient.values) - v) * (1 - self.beta_2)
        momentum.scatter_update(tf.IndexedSlices(m, ids))
        velocity.scatter_update(tf.IndexedSlices(v, ids))
        if self.amsgrad:
            (largest,) = slots(self, variable, "velocity_hats")
            v = tf.maximum(tf.gather(largest, ids), v)
            largest.scatter_update(tf.IndexedSlices(v, ids))
        self.add_to_rows(variable, -rate * m / (tf.sqrt(v) + epsilon), ids)

    def kernel_rule(self) -> Rule:
        """The rule of `update_rows` and `update_all` as the kernels know it."""
        rate, epsilon = self._rate_and_epsilon(tf.float32)
        numbers = rate, 1 - self.beta_1, 1 - self.beta_2, epsilon
        if self.amsgrad:
            return Rule("amsgrad", ("momentums", "velocities", "velocity_hats"), numbers)
        return Rule("adam", ("momentums", "velocities"), numbers)

    def _rate_and_epsilon(self, dtype: tf.DType) -> tuple[Any, Any]:
        """The learning rate without the bias of young moments, and the epsilon beside them."""
        beta_1, beta_2 = tf.cast(self.beta_1, dtype), tf.cast(self.beta_2, dtype)
        step = tf.cast(self.iterations + 1, dtype)
        unbias = tf.sqrt(1 - tf.pow(beta_2, step))
        rate = tf.cast(self.learning_rate, dtype) * unbias / (1 - tf.pow(beta_1, step))
        return rate, self.epsilon * unbias if self.adaptive_epsilon else self.epsilon

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "adaptive_epsilon": self.adaptive_epsilon}
