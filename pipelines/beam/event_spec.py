"""The description beside examples of events."""

from collections.abc import Mapping
from typing import Any

from pipelines.beam.event_features import event_features
from pipelines.beam.event_settings import EventSettings
from pipelines.beam.parse_event import LABEL
from pipelines.preparation.feature_spec import FeatureSpec


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
        fitted: As `event_features` takes it.
        parts: Part -> its files and counts.

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
    return FeatureSpec(
        "events",
        key,
        settings.model_dump(mode="json", exclude={"files"}),
        LABEL,
        settings.user,
        event_features(settings, fitted),
        parts,
    )
