"""The body of an HTTP request: where it ends, how large it may be, how it is packed."""

import re
import zlib
from email.message import Message
from typing import Any

_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_MOST_DIGITS = 20  # of a length; one that has more is too large, and not worth the parsing
_GZIP = 16 + zlib.MAX_WBITS


class BodyError(Exception):
    """A body that is refused; the connection behind it cannot be used any more.

    Args:
        status: The HTTP status of the answer.
        message: What is wrong with it.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(status, message)


def read_body(headers: Message, stream: Any, max_bytes: int) -> bytes:
    """Reads the body of a request, RFC 9112 section 6.

    Args:
        headers: The request's headers.
        stream: What comes behind them.
        max_bytes: Most bytes of a body, packed or not.

    Raises:
        BodyError: If its end is said in no way or in two, it is larger, or is not what it says.
        ConnectionError: If it ends early.
    """
    lengths, codings = map(headers.get_all, ("Content-Length", "Transfer-Encoding"))
    if codings:
        # Two servers that read one request in two ways find two requests in it.
        if lengths or [one.strip().lower() for one in codings] != ["chunked"]:
            raise BodyError(400, "A body must be chunked, or have a Content-Length")
        body = _chunks(stream, max_bytes)
    else:
        length = (lengths or ["0"])[0].strip()
        if len(lengths or "1") > 1 or not (length.isascii() and length.isdigit()):
            raise BodyError(400, f"Malformed Content-Length: {', '.join(lengths or [])[:100]}")
        if len(length) > _MOST_DIGITS or int(length) > max_bytes:
            raise _too_large(length[:_MOST_DIGITS], max_bytes)
        body = _exactly(stream, int(length))
    packed = "gzip" in ",".join(headers.get_all("Content-Encoding") or []).lower()
    return _unpacked(body, max_bytes) if packed else body


def _exactly(stream: Any, size: int) -> bytes:
    body: bytes = stream.read(size)
    if len(body) != size:
        raise ConnectionError("the client went away")
    return body


def _chunks(stream: Any, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while True:
        line = stream.readline(1024)
        size = line.partition(b";")[0].strip(b" \t\r\n")
        if not (_CHUNK_SIZE.fullmatch(size) and line.endswith(b"\n")):
            raise BodyError(400, "Malformed chunk")
        total += int(size, 16)
        if total > max_bytes:
            raise _too_large(total, max_bytes)
        if int(size, 16) == 0:
            while stream.readline(1024).strip():
                continue
            return b"".join(parts)
        parts.append(stream.read(int(size, 16)))
        if stream.readline(3) not in (b"\r\n", b"\n"):
            raise BodyError(400, "Malformed chunk")


def _unpacked(body: bytes, max_bytes: int) -> bytes:
    """The bytes in a gzip body; never more of them are made than may be."""
    parts: list[bytes] = []
    room = max_bytes
    while body:  # a gzip file may be several behind one another
        unpacker = zlib.decompressobj(_GZIP)
        try:
            parts.append(unpacker.decompress(body, room + 1))
        except zlib.error as error:
            raise BodyError(400, f"Malformed gzip body: {error}") from error
        room -= len(parts[-1])
        if room < 0:
            raise BodyError(413, f"Received message larger than max ({max_bytes}) when unpacked")
        if not unpacker.eof:
            raise BodyError(400, "Malformed gzip body: it ends early")
        body = unpacker.unused_data
    return b"".join(parts)


def _too_large(size: int | str, limit: int) -> BodyError:
    return BodyError(413, f"Received message larger than max ({size} vs. {limit})")
