"""Weights and optimizer slots that are no table, carried over."""

from typing import Any

import numpy as np

from tfrs_afm._host import all_slots
from tfrs_afm.growth.growth_report import CarriedVariable
from tfrs_afm.growth.source import Copy, Parts
from tfrs_afm.types import Model, Optimizer, Tensor, Variable


class OptimizerState:
    """The optimizer of the old model beside that of the new one.

    Args:
        old: The model that was trained.
        new: The one that is to go on; its optimizer gets its slots here, if it has none yet.
    """

    def __init__(self, old: Any, new: Any) -> None:
        self._old, self._new = _optimizer(old), _optimizer(new)
        self._reason = self._why_not()
        if not self._reason:
            self._new.build(new.trainable_variables)

    def slots(self, old: Any, new: Any) -> dict[str, tuple[Any, Any]]:
        """Pairs the slots of a variable with those of its successor, by name."""
        if self._reason:
            return {}
        before, after = slots_of(self._old, old), slots_of(self._new, new)
        return {name: (before[name], after[name]) for name in after if name in before}

    def carry(self) -> str:
        """Carries the step counter over; says what was done."""
        if self._reason:
            return self._reason
        self._new.iterations.assign(self._old.iterations)
        kind = type(self._new).__name__
        return f"{kind} goes on at step {int(self._new.iterations)}, at the new model's rate"

    def _why_not(self) -> str:
        if self._new is None:
            return "none carried over: the new model is not compiled"
        kind = type(self._new).__name__
        if self._old is None:
            return f"{kind} starts afresh: the old model came without an optimizer"
        if type(self._old).__name__ != kind:
            return f"{kind} starts afresh: the old model had {type(self._old).__name__}"
        if not hasattr(self._old, "_index_dict"):
            return f"{kind} starts afresh: the old one was never built, or is a legacy optimizer"
        if hasattr(self._old, "_u_product"):
            return f"{kind} starts afresh: tf_keras keeps a part of its state out of reach"
        return ""


def _optimizer(model: Model) -> Any:
    optimizer = getattr(model, "optimizer", None)
    return getattr(optimizer, "inner_optimizer", optimizer)  # one that scales the loss has one


def carry_variables(
    old: Parts, new: Parts, state: OptimizerState
) -> tuple[list[CarriedVariable], list[Copy]]:
    """Plans what the dense weights of a new model take from those of an old one.

    A weight is the same if it stands at the same place in a layer of the same class. The first
    kernel of a deep tower is taken apart into the blocks of its fields.

    Args:
        old: The parts of the model that was trained.
        new: Those of the model that is to go on.
        state: Their optimizers.

    Returns:
        What becomes of each variable, and the copies that make it so.
    """
    entries, copies = [], []
    for place, variable in new.variables.items():
        rows, reason = None, _misfit(place, old, new)
        if not reason:
            rows, reason = _tower_rows(place, old, new)
        if not reason and rows is None:
            reason = _other_shape(old.variables[place], variable)
        if reason:
            entries.append(CarriedVariable(place, carried=False, note=reason))
            continue
        was = old.variables[place]
        slots = state.slots(was, variable)
        copies.append(Copy(was, variable, rows))
        copies += [Copy(before, after, rows) for before, after in slots.values()]
        note = _note(place, rows, old, new)
        entries.append(CarriedVariable(place, carried=True, slots=tuple(slots), note=note))
    gone = [place for place in old.variables if place not in new.variables]
    entries += [CarriedVariable(one, carried=False, note="not in the new model") for one in gone]
    return entries, copies


def _misfit(place: str, old: Parts, new: Parts) -> str:
    if place not in old.variables:
        return "not in the old model"
    tower = new.tower_of(place)
    if tower is not None and tower in old.towers:
        now, was = (
            {"units": list(one.units), "batch_norm": one.batch_norm}
            for one in (new.towers[tower], old.towers[tower])
        )
        if now != was:  # its layers are counted, so that others may stand at their places
            return f"a tower of {now}, was {was}"
    here, there = new.owners[place][-1], old.owners[place][-1]
    if len(new.owners[place]) > 1 and type(here) is not type(there):
        return f"of a {type(here).__name__}, was of a {type(there).__name__}"
    by_field = any(getattr(owner, "by_field", False) for owner in new.owners[place][-1:])
    if by_field and old.fields != new.fields:
        return "fields changed: its weights are those of the fields at these places"
    return ""


def _other_shape(old: Any, new: Any) -> str:
    return "" if old.shape == new.shape else f"shape {tuple(new.shape)}, was {tuple(old.shape)}"


def _tower_rows(place: str, old: Parts, new: Parts) -> tuple[Any, str]:
    """The rows of a tower's first kernel by field, or None; and why they cannot be told apart."""
    tower = new.tower_of(place)
    if tower is None or new.variables[place] is not new.towers[tower].tower.layers[0].kernel:
        return None, ""
    if old.fields == new.fields:
        return None, ""
    if len(old.fields) != 1 or len(new.fields) != 1:
        return None, "fields changed, and several embedding layers may feed the tower"
    (was,), (now,) = old.embeddings.values(), new.embeddings.values()
    sizes = [len(one.fields) * one.dim for one in (was, now)]
    inputs = [old.variables[place].shape[0], new.variables[place].shape[0]]
    if was.dim != now.dim or sizes != inputs:
        return None, f"its {inputs[1]} inputs, were {inputs[0]}, are not {now.dim} for each field"
    rows = np.full(inputs[1], -1, np.int64)
    before = old.fields[0]
    for position, field in enumerate(new.fields[0]):
        if field in before:
            start = before.index(field) * now.dim
            rows[position * now.dim : (position + 1) * now.dim] = start + np.arange(now.dim)
    return rows, ""


def _note(place: str, rows: Tensor, old: Parts, new: Parts) -> str:
    if rows is not None:
        before, after = set(old.fields[0]), set(new.fields[0])
        return (
            f"by field: {len(before & after)} carried, {len(after - before)} new, "
            f"{len(before - after)} dropped"
        )
    # Keras' own layers are what the layer around them makes of them.
    owners = [type(one).__module__ for one in new.owners[place]]
    owners = [module for module in owners if not module.startswith("tf_keras.")]
    ours = bool(owners) and owners[-1].startswith("tfrs_afm.")
    if ours or old.fields == new.fields:
        return ""
    return "fields changed: check that it does not depend on their number or order"


def slots_of(optimizer: Optimizer, variable: Variable) -> dict[str, Any]:
    """Returns what an optimizer keeps for one variable.

    Args:
        optimizer: An optimizer of this package or of tf_keras that has been built.
        variable: A variable of the model.

    Returns:
        Slots by name, such as `momentums` and `velocities`, those of the variable's shape; none
        for a variable that the optimizer does not train.
    """
    return {
        name: slot
        for name, slot in all_slots(optimizer, variable).items()
        if hasattr(slot, "assign") and slot.shape == variable.shape and slot.shape.rank
    }
