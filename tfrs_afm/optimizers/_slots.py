"""Optimizer state in a checkpoint, kept by the variable it belongs to."""

import collections
import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm._host import Trackable
from tfrs_afm.optimizers._layout import Layout, whole, whole_name
from tfrs_afm.types import Tensor, Variable


class Slots(tf.train.experimental.PythonState):
    """Saves and restores an optimizer's slots by variable, whatever their order.

    tf_keras' optimizers track their slots in lists, so that a checkpoint knows them by position:
    two tables of one shape in another order swap their state without a word. TensorFlow's
    checkpoints can also hold a slot as an annotation of the variable it belongs to: a slot then
    goes wherever its variable goes. TensorFlow finds that through `get_slot_names`, `get_slot` and
    `_create_or_restore_slot_variable` on any object it tracks; here on an object of its own and
    not on the optimizer, because a `LossScaleOptimizer` shows a checkpoint the children of the
    optimizer it wraps, not the optimizer.

    The object's own value in the checkpoint is the layout: names and shapes in order.

    Args:
        optimizer: The optimizer's class name, for the record and for messages.
        key: Gives a variable's identity; the optimizer's own `_var_key`.
    """

    def __init__(self, optimizer: str, key: Callable[[Any], Hashable]) -> None:
        self._optimizer = optimizer
        self._key = key
        self._names: list[str] = []
        self._by_variable: dict[Hashable, dict[str, Any]] = {}
        self._variables: dict[Hashable, Any] = {}
        self._built = False
        self._met: set[Hashable] = set()
        self._deferred: dict[tuple[Hashable, str], list[Any]] = collections.defaultdict(list)
        self._deferred_layout: Layout | None = None
        self._matched: list[tuple[str, str]] = []

    @property
    def layout(self) -> Layout:
        """What the state belongs to, as of now."""
        variables = self._variables.values()
        return Layout(
            optimizer=self._optimizer,
            slots=tuple(self._names),
            names=tuple(map(whole_name, variables)),
            shapes=tuple(tuple(variable.shape) for variable in variables),
        )

    def add(self, variable: Variable, name: str, slot: Tensor) -> None:
        """Takes in a new slot of a model variable."""
        if name not in self._names:
            self._names.append(name)
        key = self._key(whole(variable))
        self._by_variable.setdefault(key, {})[name] = whole(slot)

    def complete(self, variables: Sequence[Any]) -> None:
        """Records the order, and restores what was waiting for the slots to be made."""
        self._variables = {self._key(whole(variable)): whole(variable) for variable in variables}
        self._built = True
        waiting = [
            (slot, sorted(positions, key=_age, reverse=True))
            for (key, name), positions in self._deferred.items()
            if (slot := self._match(key, name, positions[-1])) is not None
        ]
        if self._deferred_layout is not None:
            self._check(self._deferred_layout)
        # Newest first: TensorFlow skips a value that is older than what a variable holds.
        for slot, positions in waiting:
            for position in positions:
                position.restore(slot)
        self._deferred.clear()
        self._deferred_layout = None

    def in_order(self) -> list[list[Any]]:
        """Returns for each variable, in order, its slots in the order of the layout."""
        return [
            [self._by_variable[key][name] for name in self._names]
            for key in self._variables
            if key in self._by_variable
        ]

    def compare_kinds(self, saved: Layout) -> None:
        """Warns where saved state is of other slots than these."""
        afresh = sorted(set(self._names) - set(saved.slots))
        unused = sorted(set(saved.slots) - set(self._names))
        if saved.names and (afresh or unused):
            warnings.warn(
                f"The checkpoint holds the optimizer state of `{saved.optimizer}`; "
                f"`{self._optimizer}` starts with fresh {afresh or 'nothing'} and leaves "
                f"{unused or 'nothing'} unused.",
                stacklevel=2,
            )

    # TensorFlow's protocol for slots.

    def get_slot_names(self) -> list[str]:
        """Names of the slots; TensorFlow asks for them before it looks for variables."""
        self._met.clear()
        return list(self._names)

    def get_slot(self, variable: Variable, slot_name: str) -> Variable:
        """The slot of a variable, or None.

        Raises:
            AttributeError: If `variable` is none; TensorFlow asks about every object it tracks.
        """
        key = self._key(variable)
        if key not in self._by_variable:
            return None
        self._met.add(key)
        return self._by_variable[key].get(slot_name)

    def _create_or_restore_slot_variable(
        self, slot_variable_position: Any, slot_name: str, variable: Variable, **_: Any
    ) -> Any:
        """Returns the slot that a checkpoint's value is for; None where it is not made yet."""
        key = self._key(variable)
        if not self._built:
            self._deferred[key, slot_name].append(slot_variable_position)
            return None
        return self._match(key, slot_name, slot_variable_position)

    def _match(self, key: Hashable, slot_name: str, position: Any) -> Any:
        """Returns the slot a saved value is for, and keeps the names of both for the check."""
        slot = self._by_variable.get(key, {}).get(slot_name)
        attributes = position.object_proto.attributes
        parts = attributes[0].full_name.split("/") if attributes else []
        if slot is not None and slot_name in parts:
            saved_name = "/".join(parts[parts.index(slot_name) + 1 :])
            self._matched.append((f"{saved_name}:0", whole_name(self._variables[key])))
        return slot

    # TensorFlow's protocol for state that is not a tensor.

    def serialize(self) -> str:
        """The layout, for the checkpoint.

        Raises:
            ValueError: If a variable is not in the checkpoint: its slots would not be either.
        """
        lost = [
            whole_name(self._variables[key]) for key in self._by_variable if key not in self._met
        ]
        if lost:
            raise ValueError(
                "`Checkpoint` must hold the model whose state the optimizer keeps. Received: "
                f"Checkpoint without {lost}. Save tf.train.Checkpoint(model=model, "
                "optimizer=optimizer)."
            )
        return self.layout.to_json()

    def deserialize(self, string_value: bytes) -> None:
        """Reads the layout that a checkpoint was written with."""
        saved = Layout.from_json(string_value)
        if self._built:
            self._check(saved)
        else:
            self._deferred_layout = saved

    def _check(self, saved: Layout) -> None:
        matched, self._matched = self._matched, []
        self.layout.refuse_swap(saved, matched)
        self.compare_kinds(saved)

    def _copy_trackable_to_cpu(self, object_map: Any) -> None:
        object_map[self] = self  # Python state is on the host already


class ByPosition(Trackable):
    """Stands where a checkpoint of tf_keras' own optimizers has its slots, and says what is lost.

    TensorFlow restores what it finds by name and is silent about the rest, so that a training
    that goes on from such a checkpoint would start with fresh slots unnoticed.

    Args:
        optimizer: The optimizer's class name, for the message.
    """

    def __init__(self, optimizer: str) -> None:
        self._optimizer = optimizer

    def _lookup_dependency(self, name: str, *_: Any) -> None:
        if name == "1":  # the first slot; 0 is the step counter, which is restored
            warnings.warn(
                "The checkpoint holds optimizer state by position, as tf_keras' optimizers save "
                f"it; `{self._optimizer}` cannot tell which variable each belongs to and starts "
                "with fresh slots.",
                stacklevel=2,
            )


def _age(position: Any) -> int:
    return int(position.checkpoint.restore_uid)
