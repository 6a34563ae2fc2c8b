"""TFRecord files, without TensorFlow."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from serving.status_error import Code, StatusError

_POLYNOMIAL = 0x82F63B78  # CRC-32C, reversed
_MASK = 0xA282EAD8
_PIECE_BYTES = 1 << 20


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


def _crc32c(data: bytes) -> int:
    """The CRC-32C of bytes, where no library computes it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


try:
    from google_crc32c import value as _crc
except ImportError:  # it comes with extras that a client need not have
    _crc = _crc32c


def _checksum(data: bytes) -> int:
    """The masked CRC-32C that TFRecord stores."""
    crc = _crc(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def read_records(path: Path) -> Iterator[bytes]:
    """The records of an uncompressed TFRecord file, read as they are asked for.

    Raises:
        StatusError: DATA_LOSS if the file is cut off or its checksums do not fit.
    """
    place = number = 0
    with path.open("rb") as file:
        while head := file.read(12):
            if len(head) < 12 or _checksum(head[:8]) != struct.unpack("<I", head[8:])[0]:
                raise StatusError(
                    Code.DATA_LOSS, f"corrupted record at {place} in {path}, record {number}"
                )
            length = struct.unpack("<Q", head[:8])[0]
            record, tail = _read(file, length), file.read(4)
            if len(tail) < 4 or _checksum(record) != struct.unpack("<I", tail)[0]:
                raise StatusError(
                    Code.DATA_LOSS, f"corrupted record at {place} in {path}, record {number}"
                )
            yield record
            place, number = place + 16 + length, number + 1


def _read(file: BinaryIO, count: int) -> bytes:
    """The next bytes of a file, or what there is of them.

    In pieces: a length that promises more than the file holds must not allocate it.
    """
    pieces = []
    while count and (piece := file.read(min(count, _PIECE_BYTES))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def write_records(path: Path, records: Iterable[bytes]) -> None:
    """Writes an uncompressed TFRecord file.

    Args:
        path: The file; overwritten.
        records: What goes in, in order.
    """
    with path.open("wb") as file:
        for record in records:
            head = struct.pack("<Q", len(record))
            file.write(head + struct.pack("<I", _checksum(head)))
            file.write(record + struct.pack("<I", _checksum(record)))
