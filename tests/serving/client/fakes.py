"""Time that a test holds in its hand, and servers that fail as told."""

from typing import Any

import numpy as np

from serving.status_error import Code, StatusError


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


class Failing:
    """Fails so many times, then answers."""

    def __init__(self, *codes: Code) -> None:
        self.codes = list(codes)
        self.left: list[float] = []

    def run(self, signature: Any, inputs: Any, outputs: Any, timeout: float) -> Any:
        self.left.append(timeout)
        if self.codes:
            raise StatusError(self.codes.pop(0), "as told")
        return {"predictions": np.zeros(len(next(iter(inputs.values()))), np.float32)}

    def close(self) -> None:
        pass
