"""Short names for the statuses that the server answers."""

from serving.status_error import Code, StatusError


def invalid(message: str) -> StatusError:
    """INVALID_ARGUMENT with a message."""
    return StatusError(Code.INVALID_ARGUMENT, message)
