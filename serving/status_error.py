"""The one error of a served model: a canonical status code and a message."""

from enum import IntEnum


class Code(IntEnum):
    """Canonical status codes, as TensorFlow and gRPC number them."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class StatusError(Exception):
    """A request or a load that TensorFlow or the server refused.

    The code is what callers decide on (retry on UNAVAILABLE, mend the request on
    INVALID_ARGUMENT); the message is for people.

    Args:
        code: A canonical status code; an unknown number becomes `Code.UNKNOWN`.
        message: What went wrong, as the layer that noticed it said it.

    Example:
        >>> StatusError(3, "Input is empty.")
        StatusError(<Code.INVALID_ARGUMENT: 3>, 'Input is empty.')
    """

    def __init__(self, code: int, message: str) -> None:
        self.code = Code(code) if code in Code._value2member_map_ else Code.UNKNOWN
        self.message = message
        super().__init__(self.code, message)

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def internal(error: Exception) -> StatusError:
    """What anybody raised as a StatusError: itself, or INTERNAL with its kind and message."""
    if isinstance(error, StatusError):
        return error
    return StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}")


def invalid(message: str) -> StatusError:
    """INVALID_ARGUMENT with a message."""
    return StatusError(Code.INVALID_ARGUMENT, message)
