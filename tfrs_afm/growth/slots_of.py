"""The optimizer's slots of a variable."""

from typing import Any


def slots_of(optimizer: Any, variable: Any) -> dict[str, Any]:
    """Returns what an optimizer keeps for one variable.

    Args:
        optimizer: An optimizer of this package or of tf_keras that has been built.
        variable: A variable of the model.

    Returns:
        Slots by name, such as `momentums` and `velocities`, those of the variable's shape; none
        for a variable that the optimizer does not train.
    """
    index = optimizer._index_dict.get(optimizer._var_key(variable))
    if index is None:
        return {}
    # tf_keras keeps one list for each kind of slot, in the order of the variables.
    found = {
        name.lstrip("_"): slots[index]
        for name, slots in vars(optimizer).items()
        if isinstance(slots, list) and len(slots) == len(optimizer._index_dict)
    }
    return {
        name: slot
        for name, slot in found.items()
        if hasattr(slot, "assign") and slot.shape == variable.shape and slot.shape.rank
    }
