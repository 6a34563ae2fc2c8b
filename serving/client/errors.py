"""What a client raises, as one tree under `ClientError`."""

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
