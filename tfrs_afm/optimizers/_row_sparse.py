"""What the row-sparse optimizers have in common."""

import warnings
from collections.abc import MutableMapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfrs_afm._host import AutoTrackable, slot_index, slots
from tfrs_afm.kernels.row_updates import (
    RowUpdate,
    Rule,
    may_update_rows,
    sum_rows,
    takes,
    takes_sum,
    update_rows,
)
from tfrs_afm.optimizers._layout import Layout
from tfrs_afm.optimizers._slots import ByPosition, Slots
from tfrs_afm.types import Tensor, Variable


class RowSparse(tf.keras.optimizers.Optimizer):
    """Updates only the rows of a table that a batch looked up, and saves slots by variable.

    To be put before an optimizer of tf_keras among the bases. A dense gradient goes to that
    optimizer unchanged; a sparse one (`tf.IndexedSlices`, from `tf.gather` and embedding lookups)
    goes to `update_rows`, each row once. Where the kernels may be, all gradients of a step go to
    them at once instead, with the same rule as `kernel_rule` names it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slots = Slots(type(self).__name__, self._var_key)
        self._by_position = self._no_dependency(ByPosition(type(self).__name__))
        self._unplaced: tuple[Layout, dict[str, np.ndarray]] | None = None
        self._for_serving = [self.iterations]

    def build(self, var_list: Sequence[Any]) -> None:
        """Makes the slots of the variables, once, and restores what was loaded before."""
        if getattr(self, "_built", False):
            return
        super().build(var_list)
        self._slots.complete(var_list)
        if self._unplaced is not None:
            self._place(*self._unplaced)
            self._unplaced = None

    def add_variable_from_reference(
        self, model_variable: Variable, variable_name: str, *args: Any, **kwargs: Any
    ) -> Variable:
        """Makes a slot of a model variable, called `variable_name`."""
        slot = super().add_variable_from_reference(model_variable, variable_name, *args, **kwargs)
        self._slots.add(model_variable, variable_name, slot)
        return slot

    # One step.

    def update_step(self, gradient: Tensor, variable: Variable) -> None:
        """Applies one gradient to one variable."""
        sparse = isinstance(gradient, tf.IndexedSlices)
        if self.weight_decay and self._use_weight_decay(variable):
            lost = tf.cast(self.weight_decay * self.learning_rate, variable.dtype)
            if sparse:
                rows = tf.gather(variable, gradient.indices)
                self.add_to_rows(variable, -lost * rows, gradient.indices)
            else:
                variable.assign_sub(variable * lost)
        if sparse:
            self.update_rows(gradient, variable)
        else:
            self.update_all(gradient, variable)

    def update_all(self, gradient: Tensor, variable: Variable) -> None:
        """Applies a dense gradient to the whole variable."""
        super().update_step(gradient, variable)

    def update_rows(self, gradient: tf.IndexedSlices, variable: Variable) -> None:
        """Applies a gradient whose `indices` are distinct to those rows of the variable."""
        raise NotImplementedError

    def kernel_rule(self) -> Rule:
        """The rule of `update_rows` and `update_all` as the kernels know it."""
        raise NotImplementedError

    def add_to_rows(self, variable: Variable, rows: Tensor, ids: Tensor) -> None:
        """Adds `rows (n, ...)` to the rows `ids (n,)` of a variable; ids are distinct."""
        if isinstance(self._distribution_strategy, tf.distribute.ParameterServerStrategy):
            # In one operation: between a read and a write another worker's addition gets lost.
            variable.scatter_add(tf.IndexedSlices(rows, ids))
        else:
            # TensorFlow's scatter_add takes three times as long as reading and writing the rows.
            variable.scatter_update(tf.IndexedSlices(tf.gather(variable, ids) + rows, ids))

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        """Does nothing: only `update_step` knows which rows to decay."""

    def _clip_gradients(self, grads: Sequence[Any]) -> list[Any]:
        # tf_keras clips first and adds up the duplicates of a row after, so that what it clips
        # is not the gradient: a row looked up twice may come out at twice `clipvalue`.
        if self.clipnorm or self.clipvalue or self.global_clipnorm:
            grads = self._summed(grads)
        return list(super()._clip_gradients(grads))

    def _summed(self, grads: Sequence[Any]) -> list[Any]:
        """The gradients with the repeats of a row added up."""
        summed = [self._in_kernels() and takes_sum(gradient) for gradient in grads]
        if not any(summed):
            return list(super()._deduplicate_sparse_grad(grads))
        ours = iter(sum_rows([g for g, is_ours in zip(grads, summed, strict=True) if is_ours]))
        rest = [g for g, is_ours in zip(grads, summed, strict=True) if not is_ours]
        others = iter(super()._deduplicate_sparse_grad(rest))
        return [next(ours if is_ours else others) for is_ours in summed]

    def _deduplicate_sparse_grad(self, grads: Sequence[Any]) -> list[Any]:
        # The kernels do it themselves.
        return list(grads if self._in_kernels() else super()._deduplicate_sparse_grad(grads))

    def _distributed_apply_gradients_fn(
        self, distribution: Any, grads_and_vars: Sequence[Any], **kwargs: Any
    ) -> Any:
        pairs = list(grads_and_vars)
        if self._in_kernels():
            taken = self._taken(pairs)
            if taken:
                self._update_in_kernels([pairs[position] for position in taken])
            pairs = [pair for position, pair in enumerate(pairs) if position not in taken]
            gradients = super()._deduplicate_sparse_grad([gradient for gradient, _ in pairs])
            pairs = [(g, variable) for g, (_, variable) in zip(gradients, pairs, strict=True)]
        return super()._distributed_apply_gradients_fn(distribution, pairs, **kwargs)

    def _in_kernels(self) -> bool:
        """Whether the kernels update variables in this step."""
        # A class derived from one of ours may update otherwise. The average passes over the whole
        # table anyway, and tf_keras takes it of what it has updated itself.
        ours = "kernel_rule" in vars(type(self)) and self._mesh is None
        return ours and not (self.use_ema or self.jit_compile) and may_update_rows()

    def _taken(self, pairs: Sequence[Any]) -> set[int]:
        """Positions of the pairs that the kernels update: of each variable, the first."""
        first: dict[Any, int] = {}
        for position, (gradient, variable) in enumerate(pairs):
            # A variable without this is not to be updated, one that is not known is an error.
            known = getattr(variable, "_unique_id", None) is not None
            if known and takes(gradient, variable) and slot_index(self, variable) is not None:
                first.setdefault(self._var_key(variable), position)
        return set(first.values())

    def _update_in_kernels(self, pairs: Sequence[Any]) -> None:
        rule = self.kernel_rule()
        decaying = [bool(self.weight_decay) and self._use_weight_decay(v) for _, v in pairs]
        updates = [
            RowUpdate(variable, slots(self, variable, *rule.slots), gradient, decays)
            for (gradient, variable), decays in zip(pairs, decaying, strict=True)
        ]
        lost = self.weight_decay * self.learning_rate if any(decaying) else 0.0
        update_rows(rule, lost, updates)

    def _update_step_xla(self, gradient: Tensor, variable: Variable, key: int) -> None:
        # XLA compiles per shape, and the number of distinct rows is another in every batch.
        if isinstance(gradient, tf.IndexedSlices):
            self._update_step(gradient, variable)
        else:
            super()._update_step_xla(gradient, variable, key)

    # TensorFlow's checkpoints.

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        tracked = AutoTrackable._trackable_children(self, save_type, **kwargs)
        # Lists and dicts hold slots by position; `_slots` holds them by variable.
        kept = {
            name: child for name, child in tracked.items() if not isinstance(child, list | dict)
        }
        if save_type == "checkpoint":
            return {**kept, "_variables": self._by_position}
        # A SavedModel is for serving and tf_keras restores no slots from it: write none. It does
        # look for the step counter in the list of all variables.
        del kept["_slots"]
        return {**kept, "_variables": self._for_serving}

    # The files of Keras: `.keras` and `.weights.h5`.

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Writes the state, and what it belongs to, into a Keras file."""
        layout = self._slots.layout
        store["layout"] = np.frombuffer(layout.to_json().encode(), dtype=np.uint8)
        store["iterations"] = self.iterations.numpy()
        for position, own in enumerate(self._slots.in_order()):
            for name, slot in zip(layout.slots, own, strict=True):
                store[f"{name}.{position}"] = slot.numpy()

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Reads the state from a Keras file, by the variables' names.

        Raises:
            ValueError: If the file's state belongs to other variables.
        """
        if not len(store):  # saved without an optimizer
            return
        if "layout" not in store:
            warnings.warn(
                "The file holds optimizer state by position, as tf_keras' optimizers save it; "
                f"`{type(self).__name__}` cannot tell which variable each belongs to and starts "
                "with fresh slots.",
                stacklevel=2,
            )
            return
        layout = Layout.from_json(bytes(np.asarray(store["layout"], dtype=np.uint8)))
        values = {key: np.asarray(store[key]) for key in store if key != "layout"}
        if getattr(self, "_built", False):
            self._place(layout, values)
        else:
            self._unplaced = self._no_dependency((layout, values))

    def _place(self, saved: Layout, values: dict[str, np.ndarray]) -> None:
        layout = self._slots.layout
        positions = layout.positions_in(saved) if saved.names else []
        self._slots.compare_kinds(saved)
        self.iterations.assign(values["iterations"])
        for position, own in zip(positions, self._slots.in_order(), strict=False):
            for name, slot in zip(layout.slots, own, strict=True):
                if name in saved.slots:
                    slot.assign(values[f"{name}.{position}"])
