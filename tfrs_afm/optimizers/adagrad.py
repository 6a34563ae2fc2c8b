"""Adagrad over the rows a batch looked up."""

from typing import Any

import tensorflow as tf

from tfrs_afm._host import slots
from tfrs_afm.kernels.row_updates import Rule
from tfrs_afm.optimizers._row_sparse import RowSparse
from tfrs_afm.types import Variable


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Adagrad(RowSparse, tf.keras.optimizers.Adagrad):
    """Adagrad as of tf_keras, with a checkpoint that knows which variable a slot belongs to.

    tf_keras' Adagrad is row-sparse already; this one has its numbers, in a little less time:

        n_r <- n_r + g_r^2,    w_r <- w_r - learning_rate g_r / sqrt(n_r + epsilon)
    for the rows r that the batch looked up; for all rows of a variable with a dense gradient.
    Reference: Duchi et al. 2011, https://www.jmlr.org/papers/v12/duchi11a.html.

    Args:
        learning_rate: Float, or a `tf.keras.optimizers.schedules.LearningRateSchedule`. Rows of
            an embedding table want a larger one than Adam: 0.05 is a good first try.
        initial_accumulator_value: First value of n. Not negative.
        epsilon: Added to n under the root.
        **kwargs: Those of `tf.keras.optimizers.Optimizer`: `name`, `weight_decay` (of the rows
            looked up), `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema` (a pass over the
            whole table at each step), `ema_momentum`, `ema_overwrite_frequency`, `jit_compile`
            (of dense gradients).

    Example:
        >>> import tensorflow as tf
        >>> import tfrs_afm.optimizers
        >>> table = tf.Variable(tf.ones([3, 1]))
        >>> optimizer = tfrs_afm.optimizers.Adagrad(0.5, initial_accumulator_value=0.0)
        >>> with tf.GradientTape() as tape:
        ...     loss = tf.reduce_sum(tf.gather(table, [1]))
        >>> _ = optimizer.apply_gradients([(tape.gradient(loss, table), table)])
        >>> table.numpy().round(2).tolist()
        [[1.0], [0.5], [1.0]]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
            **kwargs,
        )

    def update_rows(self, gradient: tf.IndexedSlices, variable: Variable) -> None:
        """Applies a gradient whose `indices` are distinct to those rows of the variable."""
        ids, g = gradient.indices, gradient.values
        (accumulator,) = slots(self, variable, "accumulators")
        n = tf.gather(accumulator, ids) + tf.square(g)
        accumulator.scatter_update(tf.IndexedSlices(n, ids))
        rate = tf.cast(self.learning_rate, variable.dtype)
        self.add_to_rows(variable, -rate * g * tf.math.rsqrt(n + self.epsilon), ids)

    def kernel_rule(self) -> Rule:
        """The rule of `update_rows` and `update_all` as the kernels know it."""
        return Rule("adagrad", ("accumulators",), (self.learning_rate, self.epsilon))
