"""The preparation of events as a pipeline of Apache Beam: fits, splits, examples."""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from pipelines.events.beam_records import LineSource, ParseRecords
from pipelines.events.event import LABEL, Event, event_features, event_fits, item_text
from pipelines.events.settings import EventSettings
from pipelines.events.user_examples import user_examples
from pipelines.fitting.statistics import Smallest, ValueCounts, column_bounds, vocabulary
from pipelines.preparation.splitting import time_starts

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
        exact_values: Times and bounds are exact up to this many distinct values.
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
    train = events | "Training split" >> beam.Filter(_before, starts)
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
        | "Count splits" >> beam.CombinePerKey(_sum_parts)
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


def add_fits(train: Any, settings: EventSettings, exact_values: int) -> list[Any]:
    """Adds the fitting of vocabularies, bounds and numbers of ids.

    Args:
        train: Events of the training split.
        settings: What is fitted.
        exact_values: Bounds are exact up to this many distinct values of a feature.

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


def _frequent(counted: Any, settings: EventSettings) -> Iterator[tuple[str, tuple[str, int]]]:
    (name, value), count = counted
    if count >= settings.features[name].min_count:
        yield name, (value, count)


def _vocabulary(name: str, counted: Iterable[tuple[str, int]]) -> tuple[str, str, list[str]]:
    return "fitted", name, vocabulary(dict(counted))


def _bounds(counted: tuple[str, ValueCounts], settings: EventSettings) -> Iterator[Any]:
    name, values = counted
    yield "fitted", name, column_bounds(values, settings.features[name].num_buckets)
    yield "rank_errors", name, values.rank_error


def _num_ids(name: str, largest: int) -> tuple[str, str, int]:
    return "fitted", name, largest + 1


class Summarize(beam.CombineFn):
    """Combines by an object with `add` and `merge`; the result is the object.

    Args:
        summary: Class of the object, such as `ValueCounts`.
        size: Its one argument.
    """

    def __init__(self, summary: Callable[[int], Any], size: int) -> None:
        super().__init__()
        self._summary = summary
        self._size = size

    def create_accumulator(self) -> Any:
        """Makes an empty summary."""
        return self._summary(self._size)

    def add_input(self, mutable_accumulator: Any, element: Any) -> Any:
        """Takes an element."""
        mutable_accumulator.add(element)
        return mutable_accumulator

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        """Merges summaries into a new one."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Any) -> Any:
        """Returns the summary."""
        return accumulator


class UserRecords(beam.DoFn):
    """Writes the examples of a user to the outputs called after the splits, as `tf.Example`.

    The output `counts` gets `(part, (examples, positives, first time, last time))`.

    Args:
        settings: What examples to make.
    """

    COUNTS = "counts"

    def __init__(self, settings: EventSettings) -> None:
        super().__init__()
        self._settings = settings

    def setup(self) -> None:
        """Loads TensorFlow, once a worker."""
        from pipelines.preparation.example_writer import serialized_example

        self._serialized = serialized_example
        self._features = event_features(self._settings)

    def process(
        self,
        element: tuple[int | str, Smallest],
        starts: Sequence[int],
        candidates: tuple[list[Any], list[str]],
    ) -> Iterator[Any]:
        """Makes the examples of a user."""
        user, events = element
        for time, row in user_examples(events.kept(), self._settings, candidates):
            part = self._settings.parts[bisect_right(starts, time)]
            record = self._serialized(row, self._features, f"an event of user {user!r}")
            yield beam.pvalue.TaggedOutput(part, record)
            counts = (part, (1, row[LABEL], time, time))
            yield beam.pvalue.TaggedOutput(self.COUNTS, counts)
