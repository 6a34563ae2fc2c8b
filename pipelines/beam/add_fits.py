"""What the training part decides, as steps of a pipeline."""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam

from pipelines.beam.count_bounds import count_bounds
from pipelines.beam.event_fits import event_fits
from pipelines.beam.event_settings import EventSettings
from pipelines.beam.parse_event import Event
from pipelines.beam.summarize import Summarize
from pipelines.beam.value_counts import ValueCounts


def add_fits(train: Any, settings: EventSettings, exact_values: int) -> list[Any]:
    """Adds the fitting of vocabularies, bounds and numbers of ids.

    Args:
        train: Events of the training part.
        settings: What is fitted.
        exact_values: Bounds are exact up to so many distinct values of a feature.

    Returns:
        Collections of `("fitted", feature, value)` and `("rank_errors", feature, ranks)`.
    """
    kinds = {feature.fit for feature in settings.features.values() if feature.fit}
    if not kinds:
        return []
    values = train | "Fitted values" >> beam.FlatMap(_tagged, settings).with_outputs(*kinds)
    found: list[Any] = []
    if "vocabulary" in kinds:
        found.append(
            values.vocabulary
            | "Count each" >> beam.CombinePerKey(sum)
            | "Frequent enough" >> beam.FlatMap(_frequent, settings)
            | "By feature" >> beam.GroupByKey()
            | "Order" >> beam.MapTuple(_vocabulary)
        )
    if "bounds" in kinds:
        found.append(
            values.bounds
            | "Counts of numbers" >> beam.CombinePerKey(Summarize(ValueCounts, exact_values))
            | "Bounds" >> beam.FlatMap(_bounds, settings)
        )
    if "num_ids" in kinds:
        found.append(
            values.num_ids
            | "Largest id" >> beam.CombinePerKey(max)
            | "Number of ids" >> beam.MapTuple(_num_ids)
        )
    return found


def _tagged(event: Event, settings: EventSettings) -> Iterator[Any]:
    for name, value in event_fits(event, settings):
        fit = settings.features[name].fit
        counted = ((name, value), 1) if fit == "vocabulary" else (name, value)
        yield beam.pvalue.TaggedOutput(fit, counted)


def _frequent(counted: Any, settings: EventSettings) -> Iterator[tuple[str, tuple[int, str]]]:
    (name, value), count = counted
    if count >= settings.features[name].min_count:
        yield name, (-count, value)


def _vocabulary(name: str, counted: Iterable[tuple[int, str]]) -> tuple[str, str, list[str]]:
    return "fitted", name, [value for _, value in sorted(counted)]


def _bounds(counted: tuple[str, ValueCounts], settings: EventSettings) -> Iterator[Any]:
    name, values = counted
    yield "fitted", name, count_bounds(values, settings.features[name].num_buckets)
    yield "rank_errors", name, values.rank_error


def _num_ids(name: str, largest: int) -> tuple[str, str, int]:
    return "fitted", name, largest + 1
