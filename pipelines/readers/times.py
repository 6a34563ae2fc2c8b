"""Times: numbers of any unit, or ISO 8601."""

import contextlib
import datetime
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

_ISO = re.compile(
    r"(\d{4}-?\d\d-?\d\d(?:[T ]\d\d(?::?\d\d)?)?)"  # a date, hours and minutes
    r"(?:(:?\d\d)(?:[.,](\d{1,9}))?)?"  # seconds and their fraction
    r" ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_SECOND = 10**9
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Nanoseconds(int):
    """A time that a file gives as such and not as a number: nanoseconds since 1970 in UTC.

    Example:
        >>> exact_time("1970-01-02T01:00+01:00"), type(exact_time("1970-01-01"))
        (86400000000000, <class 'pipelines.readers.times.Nanoseconds'>)
    """

    __slots__ = ()


def exact_time(value: Any) -> Any:
    """Returns a time that sorts, without a loss.

    Args:
        value: A number, also as text, of whatever it counts; or ISO 8601 as text, or as an object
            of `datetime`: a date, perhaps
            with a time of day, a fraction of nine digits or fewer, and a zone. Without one it is
            UTC.

    Returns:
        An int, float or Decimal as it is; `Nanoseconds` of a date.

    Raises:
        ValueError: If it is neither, not finite, or beyond 64 bits.

    Example:
        >>> exact_time("2024-02-29 12:00:00.000000001Z"), exact_time("1709208000")
        (1709208000000000001, 1709208000)
    """
    if isinstance(value, datetime.date):  # also pandas' Timestamp, with its nanoseconds
        value = value.isoformat()
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError
    if not (math.isfinite(value) and -(2**63) <= value < 2**63):
        raise ValueError
    return int(value) if not isinstance(value, int) and value == int(value) else value


def _parsed(text: str) -> int | Decimal:
    if "_" not in text:  # 1_000 is a number to Python only
        with contextlib.suppress(InvalidOperation):
            return Decimal(text)  # also 20240229
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError
    day, seconds, fraction, zone = found.groups("")
    if seconds and len(day) <= 10:  # no seconds without an hour
        raise ValueError
    zone = "+00:00" if zone.upper() in ("", "Z", "UTC") else zone
    if len(day) <= 10:
        day += "T00:00" if "-" in day else "T0000"
    at = datetime.datetime.fromisoformat(day + seconds + zone)
    past = at - _EPOCH
    whole = past.days * 86400 + past.seconds
    return Nanoseconds(whole * _SECOND + int(fraction.ljust(9, "0")))
