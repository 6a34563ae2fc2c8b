"""The values of an event that something is fitted on."""

import json
from collections.abc import Iterator

from pipelines.beam.event_settings import EventSettings
from pipelines.beam.parse_event import Event


def event_fits(event: Event, settings: EventSettings) -> Iterator[tuple[str, int | float | str]]:
    """Yields feature and value for each fitted feature; each value of a list by itself.

    Args:
        event: An event of the training part.
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
