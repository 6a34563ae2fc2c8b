"""Metrics of a part of the examples."""

import dataclasses

from pipelines.evaluation.interval import Interval


@dataclasses.dataclass(frozen=True)
class Slice:
    """What a model scores on the examples that share a value of a feature.

    Attributes:
        field: The feature, or "user activity" and "item popularity".
        value: The value, as text.
        examples: How many examples have it.
        metrics: Metric -> value and interval.
    """

    field: str
    value: str
    examples: int
    metrics: dict[str, Interval]
