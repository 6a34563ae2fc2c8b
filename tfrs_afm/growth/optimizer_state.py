"""The optimizers of two models."""

from typing import Any

from tfrs_afm.growth.slots_of import slots_of


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


def _optimizer(model: Any) -> Any:
    optimizer = getattr(model, "optimizer", None)
    return getattr(optimizer, "inner_optimizer", optimizer)  # one that scales the loss has one
