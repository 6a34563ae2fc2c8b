"""An event: from a row of any format to what sorts and travels, and what is fitted on it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.events.settings import EventSettings
from pipelines.fitting.fit import Fit
from pipelines.preparation.feature_spec import Feature, FeatureSpec
from pipelines.readers.times import Nanoseconds
from pipelines.readers.values import unknown_word

Event = tuple[int, int | str, str]
"""Seconds, item, and the whole row as JSON with sorted keys.

A tuple of plain values sorts the same on any machine and is cheap to send. The text makes the
order total: two events that compare equal are equal.
"""

LABEL = "label"
# Made once: json.dumps() makes one in each call.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_UNITS = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}


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
    time = _one(settings.time, row[settings.time])
    unit = "ns" if isinstance(time, Nanoseconds) else settings.time_unit
    seconds = int(time // _UNITS[unit])
    return content[settings.user], (seconds, content[settings.item], _ENCODER.encode(content))


def _label(row: Mapping[str, Any], settings: EventSettings) -> int:
    if settings.label is None:
        return 1
    value = _one(settings.label, row[settings.label])
    if settings.label_values:
        if value not in settings.label_values:
            raise unknown_word(settings.label, str(value), settings.label_values)
        value = settings.label_values[value]
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


def event_fits(event: Event, settings: EventSettings) -> Iterator[tuple[str, int | float | str]]:
    """Yields feature and value for each fitted feature; each value of a list by itself.

    Args:
        event: An event of the training split.
        settings: Which features are fitted.

    Example:
        >>> settings = EventSettings(
        ...     files=("log.csv",), format="csv", user="user", item="film", time="at",
        ...     features={
        ...         "user": EventSettings.Feature(dtype="int64"),
        ...         "film": EventSettings.Feature(dtype="string", fit="vocabulary"),
        ...     },
        ... )
        >>> list(event_fits((0, "Heat", '{"film":"Heat","label":1,"user":3}'), settings))
        [('film', 'Heat')]
    """
    row = json.loads(event[2])
    for name, feature in settings.features.items():
        if feature.fit is not None:
            values = row[name] if feature.kind == "variable" else [row[name]]
            for value in values:
                yield name, value


def event_features(settings: EventSettings) -> dict[str, Feature]:
    """Describes the features and the label.

    Args:
        settings: What examples are made.

    Returns:
        Name -> feature. The history lists values of the item, so both can share a table.
    """
    found = {LABEL: Feature(LABEL, "int64", "fixed", "1 if the event is positive, else 0")}
    for name, feature in settings.features.items():
        found[name] = Feature(
            name, feature.dtype, feature.kind, feature.description, feature.default
        )
    if settings.history:
        found["history"] = Feature(
            "history",
            settings.features[settings.item].dtype,
            "variable",
            f"values of {settings.item} in the user's earlier positive events, newest first",
            values_of=settings.item,
        )
        found["history_age"] = Feature(
            "history_age", "float32", "variable", "days since each event of history, in its order"
        )
    return found


def event_fit(name: str, settings: EventSettings) -> Fit:
    """Returns what is fitted on a feature that has a `fit`, as a column asks for it.

    Example:
        >>> settings = EventSettings(
        ...     files=("log.csv",), format="csv", user="user", item="film", time="at",
        ...     features={
        ...         "user": EventSettings.Feature(dtype="int64"),
        ...         "film": EventSettings.Feature(dtype="string", fit="vocabulary", min_count=2),
        ...     },
        ... )
        >>> event_fit("film", settings).name
        'vocabulary(film, min_count=2)'
    """
    feature = settings.features[name]
    if feature.fit == "vocabulary":
        return Fit("vocabulary", (name,), min_count=feature.min_count)
    if feature.fit == "bounds":
        return Fit("quantile", (name,), size=feature.num_buckets)
    return Fit("num_ids", (name,))


def event_spec(
    settings: EventSettings,
    key: str,
    fitted: Mapping[str, Any],
    parts: dict[str, FeatureSpec.Part],
) -> FeatureSpec:
    """Returns the `feature_spec.json` of examples that were made of events.

    Args:
        settings: What examples were made.
        key: Hash of the files and the settings.
        fitted: Feature name -> what the training split decided: the list of a vocabulary, the list
            of bounds, or the number of ids.
        parts: Split -> its files and counts.

    Raises:
        ValueError: If there was nothing to fit a feature on.

    Example:
        >>> settings = EventSettings(
        ...     files=("log.csv",), format="csv", user="user", item="film", time="at",
        ...     features={name: EventSettings.Feature(dtype="int64") for name in ("user", "film")},
        ... )
        >>> list(event_spec(settings, "", {}, {}).features)
        ['label', 'user', 'film', 'history', 'history_age']
    """
    values = {}
    for name, feature in settings.features.items():
        if feature.fit is None:
            continue
        if not fitted.get(name):
            raise ValueError(
                f"`{name}` must have values to fit its {feature.fit} on. "
                "Received: none in the training split that is frequent enough."
            )
        values[event_fit(name, settings).name] = fitted[name]
    return FeatureSpec(
        "events",
        key,
        settings.model_dump(mode="json", exclude={"files"}),
        LABEL,
        settings.user,
        event_features(settings),
        parts,
        values,
    )


def item_text(event: Event, settings: EventSettings) -> str:
    """Returns the JSON of the item's own features, which a drawn negative gets.

    Args:
        event: The item's first event in the training split.
        settings: Which features are the item's.

    Example:
        >>> settings = EventSettings(
        ...     files=("log.csv",), format="csv", user="user", item="film", time="at",
        ...     features={name: EventSettings.Feature(dtype="int64") for name in ("user", "film")},
        ... )
        >>> item_text((0, 7, '{"film":7,"label":1,"user":3}'), settings)
        '{}'
    """
    row = json.loads(event[2])
    return json.dumps({name: row[name] for name in settings.item_features})
