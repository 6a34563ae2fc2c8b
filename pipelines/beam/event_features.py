"""The description of the examples that are made of events."""

from collections.abc import Mapping
from typing import Any

from pipelines.beam.event_settings import EventSettings
from pipelines.beam.parse_event import LABEL
from pipelines.preparation.feature import Feature


def event_features(
    settings: EventSettings, fitted: Mapping[str, Any] | None = None
) -> dict[str, Feature]:
    """Describes the features and the label.

    Args:
        settings: What examples are made.
        fitted: Feature name -> what the training part decided: the list of a vocabulary, the list
            of bounds, or the number of ids. Left out, the features are described without.

    Returns:
        Name -> feature. The history is known by what was fitted for the item, so both can share
        a table.

    Raises:
        ValueError: If there was nothing to fit a feature on.
    """
    found = {LABEL: Feature(LABEL, "int64", "fixed", "1 if the event is positive, else 0")}
    for name, feature in settings.features.items():
        found[name] = Feature(
            name,
            feature.dtype,
            feature.kind,
            feature.description,
            default=feature.default,
            **_fitted(name, feature, fitted),
        )
    if settings.history:
        item = settings.features[settings.item]
        found["history"] = Feature(
            "history",
            item.dtype,
            "variable",
            f"values of {settings.item} in the user's earlier positive events, newest first",
            **_fitted(settings.item, item, fitted),
        )
        found["history_age"] = Feature(
            "history_age", "float32", "variable", "days since each event of history, in its order"
        )
    return found


def _fitted(
    name: str, feature: EventSettings.Feature, fitted: Mapping[str, Any] | None
) -> dict[str, Any]:
    if feature.fit is None or fitted is None:
        return {}
    if (not fitted.get(name) and feature.fit != "bounds") or name not in fitted:
        raise ValueError(
            f"`{name}` must have values to fit its {feature.fit} on. "
            "Received: none in the training part that is frequent enough."
        )
    value = fitted[name]
    return {feature.fit: tuple(value) if isinstance(value, list) else value}
