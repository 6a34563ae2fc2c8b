"""TFRecord files, without TensorFlow."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from serving.status_error import Code, StatusError

_POLYNOMIAL = 0x82F63B78  # CRC-32C, reversed
_MASK = 0xA282EAD8


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


def _checksum(data: bytes) -> int:
    """The masked CRC-32C that TFRecord stores."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def read_records(path: Path) -> Iterator[bytes]:
    """The records of an uncompressed TFRecord file.

    Raises:
        StatusError: DATA_LOSS if the file is cut off or its checksums do not fit.
    """
    data = path.read_bytes()
    place = 0
    while place < len(data):
        head = data[place : place + 12]
        if len(head) < 12 or _checksum(head[:8]) != struct.unpack("<I", head[8:])[0]:
            raise StatusError(Code.DATA_LOSS, f"corrupted record at {place} in {path}")
        end = place + 12 + struct.unpack("<Q", head[:8])[0]
        record, tail = data[place + 12 : end], data[end : end + 4]
        if len(tail) < 4 or _checksum(record) != struct.unpack("<I", tail)[0]:
            raise StatusError(Code.DATA_LOSS, f"corrupted record at {place} in {path}")
        yield record
        place = end + 4


def write_records(path: Path, records: Iterable[bytes]) -> None:
    """Writes an uncompressed TFRecord file.

    Args:
        path: The file; written anew.
        records: What goes in, in order.
    """
    with path.open("wb") as file:
        for record in records:
            head = struct.pack("<Q", len(record))
            file.write(head + struct.pack("<I", _checksum(head)))
            file.write(record + struct.pack("<I", _checksum(record)))
