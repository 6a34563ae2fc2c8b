"""Where one version is in its life."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from serving.server.servable import Servable
from serving.status_error import StatusError


class State(IntEnum):
    """The states of ModelVersionStatus, with its numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class VersionState:
    """One version of one model.

    Attributes:
        path: Its folder.
        state: Where it is in its life.
        aspired: Whether the policy wants it served.
        servable: What answers, while AVAILABLE.
        error: Why the last load failed.
        failures: How many loads failed.
        retry_at: Seconds on the monotonic clock before which it is not tried again.
    """

    path: Path
    state: State = State.START
    aspired: bool = True
    servable: Servable | None = None
    error: StatusError | None = None
    failures: int = 0
    retry_at: float = 0.0
