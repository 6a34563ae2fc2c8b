"""A configuration that was tried."""

import dataclasses
from typing import Any, Literal


@dataclasses.dataclass(frozen=True)
class TrialRecord:
    """What a trial set and what came of it.

    Attributes:
        number: Counted from 0; also the name of its folder.
        state: "complete"; "pruned", where it was ended early; "failed", where it raised an error.
        value: The best value of the monitored metric; None where it never had one.
        values: Key path -> value that the trial set.
        curve: The monitored metric after each epoch.
        error: The message of the error, empty without one.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    values: dict[str, Any]
    curve: tuple[float, ...] = ()
    error: str = ""
