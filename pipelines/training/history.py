"""What became of a run."""

import dataclasses
from typing import Any, Literal


@dataclasses.dataclass(frozen=True)
class History:
    """The learning curve of a run and its best epoch.

    Attributes:
        epochs: One record for each epoch, as in `history.jsonl`: `epoch` (from 0), `step` (done
            in all), the metrics of training, those of validation behind `val_`, `learning_rate`,
            `seconds`, `examples_per_second`, `step_seconds` and `input_wait` (the share of the
            time in which the model waited for its input).
        best_epoch: The epoch whose weights the model now has.
        best: The monitored metric's value there; None where there is nothing to monitor.
        ended_by: "epochs" or "early_stopping".
    """

    epochs: list[dict[str, Any]]
    best_epoch: int
    best: float | None
    ended_by: Literal["epochs", "early_stopping"]
