"""What an event says of its item."""

import json

from pipelines.beam.event_settings import EventSettings
from pipelines.beam.parse_event import Event


def item_text(event: Event, settings: EventSettings) -> str:
    """Returns the JSON of the item's own features, which a drawn negative gets.

    Args:
        event: The item's first event in the training part.
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
