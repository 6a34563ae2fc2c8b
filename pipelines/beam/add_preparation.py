"""The whole preparation, as steps of a pipeline."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from pipelines.beam.add_fits import add_fits
from pipelines.beam.event_settings import EventSettings
from pipelines.beam.item_text import item_text
from pipelines.beam.line_source import LineSource
from pipelines.beam.parse_event import Event
from pipelines.beam.parse_records import ParseRecords
from pipelines.beam.smallest import Smallest
from pipelines.beam.summarize import Summarize
from pipelines.beam.time_starts import time_starts
from pipelines.beam.user_records import UserRecords
from pipelines.beam.value_counts import ValueCounts

RESULTS = "results.jsonl"
_PLACES = 5


def add_preparation(
    pipeline: beam.Pipeline,
    settings: EventSettings,
    header: Sequence[str] | None,
    folder: str,
    exact_values: int,
) -> None:
    """Adds reading, fitting, histories, negatives and writing.

    The folder gets the shards, and `results.jsonl` with `[kind, name, value]` a line: what was
    fitted and counted. Results go by a file because every runner can write one; not all can hand
    counters back.

    Args:
        pipeline: Where to add.
        settings: The log and the examples to make of it; for CSV with `names`.
        header: CSV: the first line of each file, which is no row.
        folder: Where to write, on any file system of Beam.
        exact_values: Times and bounds are exact up to so many distinct values.
    """
    parsed = _records(pipeline, settings) | "Parse" >> beam.ParDo(
        ParseRecords(settings, header)
    ).with_outputs(ParseRecords.BAD, main="events")
    users = parsed.events | "By user" >> beam.CombinePerKey(
        Summarize(Smallest, settings.max_events)
    )
    events = users | "Kept" >> beam.FlatMapTuple(_kept)
    times = (
        events
        | "Times" >> beam.Map(_time)
        | "Counts of times" >> beam.CombineGlobally(Summarize(ValueCounts, exact_values))
    )
    starts = beam.pvalue.AsSingleton(times | "Starts" >> beam.Map(time_starts, settings.fractions))
    train = events | "Training part" >> beam.Filter(_before, starts)
    records = users | "Examples" >> beam.ParDo(
        UserRecords(settings), starts, _candidates(train, settings)
    ).with_outputs(UserRecords.COUNTS, *settings.parts)
    for part in settings.parts:
        _ = records[part] | f"Write {part}" >> beam.io.WriteToTFRecord(
            FileSystems.join(folder, part),
            file_name_suffix=".tfrecord",
            num_shards=settings.num_shards,
            shard_name_template="-SSSSS-of-NNNNN",
        )
    results = [
        *add_fits(train, settings, exact_values),
        times | "Error of times" >> beam.Map(_time_error),
        records[UserRecords.COUNTS]
        | "Count parts" >> beam.CombinePerKey(_sum_parts)
        | "Parts" >> beam.MapTuple(_part),
        users
        | "Count events" >> beam.Map(_user_counts, settings.max_events)
        | "Count users" >> beam.CombineGlobally(_sum_users)
        | "Users" >> beam.Map(_users),
        parsed[ParseRecords.BAD]
        | "Count bad rows" >> beam.CombineGlobally(Summarize(Smallest, _PLACES))
        | "Bad rows" >> beam.Map(_bad_rows),
    ]
    _ = (
        results
        | "Results" >> beam.Flatten()
        | "As JSON" >> beam.Map(json.dumps)
        | "Write results"
        >> beam.io.WriteToText(
            FileSystems.join(folder, RESULTS), num_shards=1, shard_name_template=""
        )
    )


def _records(pipeline: beam.Pipeline, settings: EventSettings) -> Any:
    """Returns `(file, offset, record)`."""
    if settings.format in ("csv", "jsonl"):
        return [
            pipeline | f"Read {pattern}" >> beam.io.Read(LineSource(pattern))
            for pattern in settings.files
        ] | "Lines" >> beam.Flatten()
    if settings.format == "tfrecord":
        read = beam.io.ReadAllFromTFRecord(with_filename=True)
    else:
        read = beam.io.ReadAllFromParquet(with_filename=True, columns=list(settings.dtypes))
    return (
        pipeline
        | "Patterns" >> beam.Create(settings.files)
        | "Read" >> read
        | "Without place" >> beam.MapTuple(_without_place)
    )


def _candidates(train: Any, settings: EventSettings) -> Any:
    """Returns what `user_examples` draws negatives from."""
    if not settings.negatives:
        return [], []
    return beam.pvalue.AsSingleton(
        train
        | "By item" >> beam.Map(_by_item)
        | "First event" >> beam.CombinePerKey(min)
        | "Own features" >> beam.Map(_own, settings)
        | "All items" >> beam.combiners.ToList()
        | "Candidates" >> beam.Map(_ascending)
    )


# Named functions: workers find them by import, where a lambda would have to be sent.


def _without_place(file: str, record: Any) -> tuple[str, int, Any]:
    return file, -1, record


def _kept(user: int | str, events: Smallest) -> list[Event]:
    return events.kept()


def _time(event: Event) -> int:
    return event[0]


def _before(event: Event, starts: Sequence[int]) -> bool:
    return event[0] < starts[0]


def _by_item(event: Event) -> tuple[int | str, Event]:
    return event[1], event


def _own(first: tuple[int | str, Event], settings: EventSettings) -> tuple[int | str, str]:
    item, event = first
    return item, item_text(event, settings)


def _ascending(items: list[tuple[Any, str]]) -> tuple[list[Any], list[str]]:
    ordered = sorted(items)
    return [item for item, _ in ordered], [text for _, text in ordered]


def _sum_parts(counts: Iterable[tuple[int, int, float, float]]) -> tuple[int, int, float, float]:
    examples, positives, first, last = 0, 0, float("inf"), float("-inf")
    for count, positive, begin, end in counts:
        examples, positives = examples + count, positives + positive
        first, last = min(first, begin), max(last, end)
    return examples, positives, first, last


def _part(name: str, counts: tuple[int, int, float, float]) -> tuple[str, str, Any]:
    return "parts", name, counts


def _user_counts(user: tuple[int | str, Smallest], most: int) -> tuple[int, int, int, int]:
    seen = user[1].seen
    over = max(seen - most, 0)
    return 1, seen, int(over > 0), over


def _sum_users(counts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*counts, strict=True)) or (0, 0, 0, 0)


def _users(counts: tuple[int, ...]) -> tuple[str, str, Any]:
    return "counters", "users", counts


def _bad_rows(bad: Smallest) -> tuple[str, str, Any]:
    return "counters", "bad_rows", [bad.seen, bad.kept()]


def _time_error(times: Any) -> tuple[str, str, int]:
    return "rank_errors", "time", times.rank_error
