"""An HTTP connection whose every step shares one deadline."""

import http.client
import io
import socket
import time
from typing import Any

from serving.status_error import Code, StatusError

LARGEST_ANSWER = 1 << 30
"""Bytes of an answer at most; whoever sends more is no model server."""
_PIECE = 1 << 20


class Connection(http.client.HTTPConnection):
    """Over plain TCP.

    A socket's own timeout is for one read: a server that sends a byte now and then would hold a
    call for as long as it likes.

    Args:
        host: Name or address, and a port after a colon.

    Attributes:
        end: When a request must be over, on the monotonic clock; to be set before each.
    """

    end = 0.0

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.response_class = self._response  # type: ignore[assignment]
        self._create_connection = self._connected  # where http.client makes its socket

    def _connected(self, address: tuple[str, int], *_: Any) -> socket.socket:
        last: OSError = OSError(f"no address of {address[0]}")
        for family, kind, number, _name, place in socket.getaddrinfo(
            *address, type=socket.SOCK_STREAM
        ):
            made = socket.socket(family, kind, number)
            try:
                made.settimeout(left(self.end))
                made.connect(place)
            except OSError as error:
                made.close()
                last = error
            else:
                return made
        raise last

    def send(self, data: Any) -> None:
        """Sends, within what is left of the time."""
        if self.sock is not None:
            self.sock.settimeout(left(self.end))
        super().send(data)

    def _response(self, sock: Any, **arguments: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(_Timed(sock, self.end), **arguments)  # type: ignore[arg-type]


class SecureConnection(Connection, http.client.HTTPSConnection):
    """Over TLS."""


class _Timed:
    """A socket as `HTTPResponse` wants one: it makes a file, which knows the deadline."""

    def __init__(self, sock: Any, end: float) -> None:
        self._sock, self._end = sock, end

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedFile(self._sock, self._end))


class _TimedFile(io.RawIOBase):
    def __init__(self, sock: Any, end: float) -> None:
        self._sock, self._end = sock, end
        self._file = sock.makefile("rb", buffering=0)  # holds the socket open until it is read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(left(self._end))
        count: int | None = self._file.readinto(buffer)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def left(end: float) -> float:
    """Returns the seconds until a moment of the monotonic clock.

    Raises:
        TimeoutError: If it is over.
    """
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def read_all(response: Any, end: float) -> bytes:
    """Reads a response to its end, in pieces: what it says of its length may be anything.

    Args:
        response: A response of this module or of urllib.
        end: When it must be over, on the monotonic clock.

    Raises:
        TimeoutError: If it takes longer.
        IncompleteRead: If it ends early.
        StatusError: RESOURCE_EXHAUSTED if it is larger than `LARGEST_ANSWER`.
    """
    parts: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE):
        parts.append(piece)
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise StatusError(
                Code.RESOURCE_EXHAUSTED, f"the answer is larger than {LARGEST_ANSWER} bytes"
            )
        left(end)
    if getattr(response, "length", None):  # `read1` takes an early end for the end
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)
