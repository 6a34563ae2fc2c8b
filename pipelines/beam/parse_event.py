"""From a row of any format to an event that sorts and travels."""

import json
from collections.abc import Mapping
from typing import Any

from pipelines.beam.event_settings import EventSettings

Event = tuple[int, int | str, str]
"""Seconds, item, and the whole row as JSON with sorted keys.

A tuple of plain values sorts the same on any machine and is cheap to send. The text makes the
order total: two events that compare equal are equal.
"""

LABEL = "label"
# Made once: json.dumps() makes one in each call.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_UNITS = {"s": 1, "ms": 1000, "us": 1_000_000}


def parse_event(row: Mapping[str, Any], settings: EventSettings) -> tuple[int | str, Event]:
    """Makes an event of a row.

    Args:
        row: Column name -> value of the type that `settings.dtypes` asks for, list, or None.
        settings: What the columns are.

    Returns:
        The user and the event. Its JSON has each feature of `settings` (value, or list of a
        variable feature) and `label`, 0 or 1.

    Raises:
        ValueError: If a value is missing or out of range: the rule and what was received, no full
            stop, so that the place can follow.

    Example:
        >>> settings = EventSettings(
        ...     files=("log.csv",), format="csv", user="user", item="film", time="at",
        ...     features={name: EventSettings.Feature(dtype="int64") for name in ("user", "film")},
        ... )
        >>> parse_event({"user": 3, "film": 7, "at": 60}, settings)
        (3, (60, 7, '{"film":7,"label":1,"user":3}'))
    """
    content: dict[str, Any] = {}
    for name, feature in settings.features.items():
        value = row[name]
        if feature.kind == "variable":
            value = [] if value is None else value if isinstance(value, list) else [value]
        else:
            value = _one(name, feature.default if value is None else value)
        if (
            feature.fit == "num_ids"
            and min(value if isinstance(value, list) else [value], default=0) < 0
        ):
            raise ValueError(f"`{name}` must be an id from 0 on. Received: {name}={value}")
        content[name] = value
    content[LABEL] = _label(row, settings)
    time = _one(settings.time, row[settings.time]) // _UNITS[settings.time_unit]
    return content[settings.user], (time, content[settings.item], _ENCODER.encode(content))


def _label(row: Mapping[str, Any], settings: EventSettings) -> int:
    if settings.label is None:
        return 1
    value = _one(settings.label, row[settings.label])
    if settings.positive_from is not None:
        return int(value >= settings.positive_from)
    if value not in (0, 1):
        raise ValueError(
            f"`{settings.label}` must be 0 or 1, or come with `positive_from`. "
            f"Received: {settings.label}={value}"
        )
    return int(value)


def _one(name: str, value: Any) -> Any:
    if value is None or isinstance(value, list):
        raise ValueError(
            f"`{name}` must have one value in each row, or a `default`. Received: {name}={value}"
        )
    return value
