"""Where a run stands, besides its tensors."""

import dataclasses
import json
from typing import Any, Self


@dataclasses.dataclass
class RunState:
    """Position, records and counters of a run; what a checkpoint holds as JSON.

    Attributes:
        epoch: Number of the epoch that comes next or is under way, from 0.
        batch: Batches of it that are done.
        step: Steps done in all.
        rows: Examples of this epoch that are done.
        seconds: Time that this epoch has taken.
        waited: Part of `seconds` in which the model waited for its input.
        trained: The metrics of this epoch's training once it is over and validation is not.
        batches_per_epoch: Length of the first epoch, once known; all are as long.
        best: The best value of the monitored metric so far.
        best_epoch: Its epoch.
        best_step: The steps done then.
        epochs_without_better: Epochs since the best one.
        epochs_on_plateau: Epochs since the best one, or since the learning rate fell.
        learning_rate_scale: What plateaus left of the learning rate.
        history: One record for each epoch that is done.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    rows: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    trained: dict[str, float] | None = None
    batches_per_epoch: int | None = None
    best: float | None = None
    best_epoch: int | None = None
    best_step: int | None = None
    epochs_without_better: int = 0
    epochs_on_plateau: int = 0
    learning_rate_scale: float = 1.0
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def to_json(self) -> str:
        """Returns the state as JSON text; floats keep every bit."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))
