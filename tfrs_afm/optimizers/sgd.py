"""Gradient descent over the rows a batch looked up."""

from typing import Any

import tensorflow as tf

from tfrs_afm._host import slot_index
from tfrs_afm.kernels.row_updates import Rule
from tfrs_afm.optimizers._row_sparse import RowSparse
from tfrs_afm.types import Tensor, Variable


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class SGD(RowSparse, tf.keras.optimizers.SGD):
    """Gradient descent whose step costs what the batch looked up.

    tf_keras' SGD keeps and applies a momentum as large as the table even where `momentum` is 0.
    Here that has no slot at all, and with momentum only the rows r that the batch looked up move:
        m_r <- momentum m_r - learning_rate g_r
        w_r <- w_r + m_r                                     or, with `nesterov`,
        w_r <- w_r + momentum m_r - learning_rate g_r
    The others keep their value and their m: it neither decays nor moves them until they are
    looked up again. A variable with a dense gradient is updated as by tf_keras.
    Reference: Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html.

    Args:
        learning_rate: Float, or a `tf.keras.optimizers.schedules.LearningRateSchedule`.
        momentum: Float in [0, 1]. It is settled when the optimizer is built.
        nesterov: Whether to step from where the momentum leads.
        **kwargs: Those of `tf.keras.optimizers.Optimizer`: `name`, `weight_decay` (of the rows
            looked up), `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema` (a pass over the
            whole table at each step), `ema_momentum`, `ema_overwrite_frequency`, `jit_compile`
            (of dense gradients).

    Raises:
        ValueError: If `momentum` is outside [0, 1], or is set after a build without.

    Example:
        >>> import tensorflow as tf
        >>> import tfrs_afm.optimizers
        >>> table = tf.Variable(tf.ones([3, 1]))
        >>> optimizer = tfrs_afm.optimizers.SGD(0.25)
        >>> with tf.GradientTape() as tape:
        ...     loss = tf.reduce_sum(tf.gather(table, [1, 1]))
        >>> _ = optimizer.apply_gradients([(tape.gradient(loss, table), table)])
        >>> table.numpy().tolist()
        [[1.0], [0.5], [1.0]]
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate, momentum=momentum, nesterov=nesterov, **kwargs
        )

    def add_variable_from_reference(
        self, model_variable: Variable, variable_name: str, *args: Any, **kwargs: Any
    ) -> Variable:
        """Makes a slot of a model variable; None for a momentum of 0, which needs none."""
        if variable_name == "m" and not self.momentum:
            return None
        return super().add_variable_from_reference(model_variable, variable_name, *args, **kwargs)

    def update_step(self, gradient: Tensor, variable: Variable) -> None:
        """Applies one gradient to one variable."""
        self._require_slots()
        super().update_step(gradient, variable)

    def update_rows(self, gradient: tf.IndexedSlices, variable: Variable) -> None:
        """Applies a gradient whose `indices` are distinct to those rows of the variable."""
        ids, dtype = gradient.indices, variable.dtype
        downhill = -tf.cast(self.learning_rate, dtype) * gradient.values
        slot = self._slot(variable)
        if slot is None:
            self.add_to_rows(variable, downhill, ids)
            return
        momentum = tf.cast(self.momentum, dtype)
        m = momentum * tf.gather(slot, ids) + downhill
        slot.scatter_update(tf.IndexedSlices(m, ids))
        self.add_to_rows(variable, momentum * m + downhill if self.nesterov else m, ids)

    def kernel_rule(self) -> Rule:
        """The rule of `update_rows` and `update_all` as the kernels know it."""
        self._require_slots()
        if not self._has_slots():
            return Rule("sgd", (), (self.learning_rate,))
        name = "nesterov" if self.nesterov else "momentum"
        return Rule(name, ("momentums",), (self.learning_rate, self.momentum))

    def _slot(self, variable: Variable) -> Variable:
        return self.momentums[slot_index(self, variable)]

    def _has_slots(self) -> bool:
        return any(slot is not None for slot in self.momentums)

    def _require_slots(self) -> None:
        if self.momentum and not self._has_slots():
            raise ValueError(
                "`momentum` must stay 0 in an optimizer that was built with 0. Received: "
                f"momentum={self.momentum}. Make a new SGD(momentum={self.momentum})."
            )
