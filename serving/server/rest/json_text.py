"""JSON as TensorFlow Serving reads and writes it."""

import json
import math
import struct
from typing import Any

from serving.server.errors import invalid

_DEBUG_BYTES = 256


def _number(text: str) -> int | float:
    """Integers beyond 64 bits become floats, as in the server's parser."""
    if len(text) < 21 and -(2**63) <= int(text) < 2**64:
        return int(text)
    return float(text)


def _decimal(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("Number too big to be stored in double.")
    return value


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_decimal)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object at the beginning of a request; what follows it is ignored.

    Bytes that are not UTF-8 stay what they are, as surrogates.

    Raises:
        StatusError: INVALID_ARGUMENT if there is none.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    text = body.decode("utf-8", "surrogateescape").lstrip(" \t\r\n")
    try:
        value, _ = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except (ValueError, OverflowError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    except RecursionError as error:
        raise invalid("JSON Parse error: The document is nested too deeply") from error
    if not isinstance(value, dict):
        raise invalid(f"{debug(value)} Is not object")
    return value


def debug(value: Any) -> str:
    """A JSON value as error messages show it, cut after 256 bytes."""
    parts: list[str] = []
    size = 0
    encoder = json.JSONEncoder(indent=None, allow_nan=True, separators=(", ", ": "))
    try:
        for part in encoder.iterencode(value):
            parts.append(part)
            size += len(part)
            if size >= _DEBUG_BYTES:
                break
    except RecursionError:
        parts.append("...")
    return "JSON Value: " + "".join(parts)[: 2 * _DEBUG_BYTES]


def type_name(value: Any) -> str:
    """The server's word for a JSON value's type."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    for kind, name in ((dict, "Object"), (list, "Array"), (str, "String")):
        if isinstance(value, kind):
            return name
    return "Number"


def float_text(value: float, *, single: bool = True) -> str:
    """A float as the server writes it: the shortest of two forms that reads back the same.

    Args:
        value: The number.
        single: Whether it is a 32-bit float. Otherwise it is a 64-bit one.

    Example:
        >>> float_text(0.5), float_text(0.1 + 0.2, single=False), float_text(3.0)
        ('0.5', '0.30000000000000004', '3.0')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = f"{value:g}"
    if single and not _same_single(text, value):
        text = f"{value:.9g}"
    elif not single and float(text) != value:
        text = f"{value:.17g}"
    return text if "." in text or "e" in text else text + ".0"


def _same_single(text: str, value: float) -> bool:
    try:
        return bool(struct.pack("<f", float(text)) == struct.pack("<f", value))
    except OverflowError:  # rounded up past the largest float
        return False
