"""How the learning rate changes during training."""

from typing import Literal

import pydantic

from pipelines.configuration.section import Section


class Schedule(Section):
    """A factor on the learning rate that depends on the step, and one that depends on success.

    With s steps done, of which the first `warmup_steps` are the warm-up, t = s - warmup_steps:
        warm-up      (s + 1) / warmup_steps
        constant     1
        step         decay_rate ^ floor(t / decay_steps)
        exponential  decay_rate ^ (t / decay_steps)
        cosine       floor + (1 - floor) (1 + cos(pi min(t / decay_steps, 1))) / 2
    `step` and `exponential` do not fall below `floor`. Steps and not epochs, so that a run with
    more epochs begins as the shorter one did.

    Raises:
        pydantic.ValidationError: If a decay lacks `decay_steps`, or constant has one.

    Example:
        >>> Schedule(kind="cosine", decay_steps=10_000, warmup_steps=500).floor
        0.0
    """

    kind: Literal["constant", "step", "exponential", "cosine"] = "constant"
    """Form of the decay."""

    warmup_steps: pydantic.NonNegativeInt = 0
    """Steps over which the learning rate rises to its full size."""

    decay_steps: pydantic.PositiveInt | None = None
    """Steps for one `decay_rate`, or for the whole half wave of `cosine`."""

    decay_rate: float = pydantic.Field(default=0.1, gt=0, le=1)
    """Factor of `step` and `exponential` over `decay_steps`."""

    floor: float = pydantic.Field(default=0.0, ge=0, lt=1)
    """Least factor of a decay."""

    plateau_patience: pydantic.PositiveInt | None = None
    """Epochs without a better monitored metric after which the learning rate falls. Left out: it
    does not."""

    plateau_factor: float = pydantic.Field(default=0.1, gt=0, lt=1)
    """Factor on the learning rate after such epochs."""

    plateau_floor: float = pydantic.Field(default=1e-6, ge=0)
    """Learning rate that this leaves at least, before the factor of the step."""

    @pydantic.model_validator(mode="after")
    def _decay_or_not(self) -> "Schedule":
        if (self.kind == "constant") != (self.decay_steps is None):
            rule = "be left out for" if self.kind == "constant" else "be given for"
            raise ValueError(
                f"`decay_steps` must {rule} this kind. Received: "
                f"decay_steps={self.decay_steps}, kind={self.kind!r}."
            )
        return self
