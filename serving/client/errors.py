"""What a client raises, as one tree under `ClientError`, and when it tries again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serving.status_error import Code, StatusError


class ClientError(Exception):
    """Anything that keeps a client from an answer."""


class SchemaError(ClientError, ValueError):
    """The sidecar cannot be read, or the model has no such signature."""


class FeatureError(ClientError, ValueError):
    """An unknown or missing feature, or a value that the model cannot take; nothing was sent."""


class FeatureTypeError(FeatureError, TypeError):
    """A value of the wrong kind, for instance text for a number; nothing was sent."""


class RequestError(ClientError, StatusError):
    """A request that was sent and not answered; `code` says why."""


class UnavailableError(RequestError):
    """No server answered, after all tries."""


class DeadlineError(RequestError):
    """The time for the whole call was over."""


def request_error(error: StatusError) -> RequestError:
    """The error of this tree for a status.

    Args:
        error: What a transport raised.

    Example:
        >>> request_error(StatusError(14, "no server"))
        UnavailableError(<Code.UNAVAILABLE: 14>, 'no server')
    """
    kinds = {Code.UNAVAILABLE: UnavailableError, Code.DEADLINE_EXCEEDED: DeadlineError}
    return kinds.get(error.code, RequestError)(error.code, error.message)


@dataclass(frozen=True)
class Retry:
    """When a request is sent again: if no server took it, and for no other reason.

    Everything else would fail again (a bad request) or make a bad moment worse (a server that is
    too slow). Pauses double, and are drawn at random, so that many clients do not come back at
    the same time.

    Attributes:
        tries: How often a request is sent at most. Positive.
        first_pause: Seconds before the second try, at most.
        longest_pause: Seconds before any later one, at most.
        sleep: How to wait; tests put a clock of their own here.
        now: Seconds on a clock that only goes forward.
    """

    tries: int = 4
    first_pause: float = 0.05
    longest_pause: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise ValueError(
                f"`tries` must be positive. Received: tries={self.tries}. 1 never tries again."
            )

    def call(self, send: Callable[[float], Any], end: float) -> Any:
        """Sends until there is an answer.

        Args:
            send: Takes the seconds that are left, and sends.
            end: When it must be over, on the clock of `now`.

        Returns:
            What `send` returned.

        Raises:
            RequestError: What the last try got, or DEADLINE_EXCEEDED.
        """
        pause = self.first_pause
        for tried in range(1, self.tries + 1):
            left = end - self.now()
            if left <= 0:
                raise request_error(StatusError(Code.DEADLINE_EXCEEDED, "Deadline Exceeded"))
            try:
                return send(left)
            except StatusError as error:
                wait = pause * random.uniform(0.5, 1.0)
                last = tried == self.tries or self.now() + wait >= end
                if error.code is not Code.UNAVAILABLE or last:
                    raise request_error(error) from error
            self.sleep(wait)
            pause = min(2 * pause, self.longest_pause)
        raise AssertionError("the last try returns or raises")
