"""A log of events to training examples, in the memory of this process."""

import dataclasses
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.events.event import (
    LABEL,
    Event,
    event_features,
    event_fits,
    event_spec,
    item_text,
    parse_event,
)
from pipelines.events.prepared import Prepared, check_replaceable
from pipelines.events.settings import EventSettings
from pipelines.events.user_examples import user_examples
from pipelines.files.atomic import atomic_folder, content_hash
from pipelines.fitting.statistics import Smallest, ValueCounts, column_bounds, vocabulary
from pipelines.preparation.example_writer import PartWriters
from pipelines.preparation.splitting import time_split
from pipelines.readers.bad_rows import BadRows
from pipelines.readers.files import find_files
from pipelines.readers.read_rows import read_rows


def prepare_in_memory(settings: EventSettings, out: Path) -> Prepared:
    """Writes a folder of prepared examples.

    What `prepare_with_beam` does for a log that fits in memory: the same examples, vocabularies,
    bounds and splits, without Apache Beam.

    Args:
        settings: The log and the examples to make of it.
        out: The folder: `<part>-0000n-of-0000N.tfrecord`, `feature_spec.json`, `counters.json`. It
            appears whole or not at all, and replaces examples that are there.

    Returns:
        The description of the examples, and what was counted.

    Raises:
        ValueError: If `out` is another folder, a file is missing or empty, a row is bad and
            `settings.on_bad_row` is error, or there is too little to split or to fit.
    """
    check_replaceable(out)
    files = find_files(settings.files, "files")
    bad_rows = BadRows(settings.on_bad_row, most=settings.max_bad_rows)
    users = _users(settings, files, bad_rows)
    bad_rows.require_few(sum(user.seen for user in users.values()))
    kept = {user: users[user].kept() for user in sorted(users)}
    starts = time_split(
        [time for events in kept.values() for time, _, _ in events], settings.fractions
    )
    train = [event for events in kept.values() for event in events if event[0] < starts[0]]
    fitted = _fit(settings, train)
    candidates = _candidates(settings, train)
    rows: list[list[tuple[int, dict[str, Any]]]] = [[] for _ in settings.fractions]
    for events in kept.values():
        for time, row in user_examples(events, settings, candidates):
            rows[bisect_right(starts, time)].append((time, row))
    key = content_hash(files, settings.model_dump(mode="json", exclude={"files", "max_bad_rows"}))
    features = event_features(settings)
    shards = settings.num_shards
    with (
        atomic_folder(out) as folder,
        PartWriters.open(features, LABEL, settings.parts, shards, folder) as writers,
    ):
        times = {}
        for part, found in zip(settings.parts, rows, strict=True):
            found.sort(key=lambda timed: timed[0])
            times[part] = (found[0][0], found[-1][0])
            for _, row in found:
                writers.write(part, row)
        parts = {
            part: dataclasses.replace(counted, first_time=first, last_time=last)
            for (part, counted), (first, last) in zip(
                writers.counted().items(), times.values(), strict=True
            )
        }
        seen = [user.seen for user in users.values()]
        over = [count - settings.max_events for count in seen if count > settings.max_events]
        prepared = Prepared(
            event_spec(settings, key, fitted, parts),
            rows=sum(seen),
            bad_rows=bad_rows.count,
            bad_places=tuple(bad_rows.examples),
            users=len(users),
            capped_users=len(over),
            capped_events=sum(over),
            rank_errors={},
        )
        prepared.write(folder)
    return prepared


def _users(
    settings: EventSettings, files: list[Path], bad_rows: BadRows
) -> dict[int | str, Smallest]:
    users: dict[int | str, Smallest] = defaultdict(lambda: Smallest(settings.max_events))
    unit = "line" if settings.format in ("csv", "jsonl") else "record"
    for row, path, number in read_rows(files, settings.options, settings.dtypes, bad_rows):
        try:
            user, event = parse_event(row, settings)
        except ValueError as error:
            bad_rows.add(path, number, error, unit)
        else:
            users[user].add(event)
    if not users:
        raise ValueError(f"`files` must hold a row that can be read. {bad_rows.report()}")
    return users


def _candidates(settings: EventSettings, train: list[Event]) -> tuple[list[Any], list[str]]:
    """Returns what `user_examples` draws negatives from: items, each by its first event."""
    if not settings.negatives:
        return [], []
    first: dict[Any, Event] = {}
    for event in train:
        first[event[1]] = min(event, first.get(event[1], event))
    items = sorted(first)
    return items, [item_text(first[item], settings) for item in items]


def _fit(settings: EventSettings, train: Iterable[Event]) -> dict[str, Any]:
    """Returns feature -> what the training split decides, for features that have a value there."""
    values: dict[str, list[Any]] = defaultdict(list)
    for event in train:
        for name, value in event_fits(event, settings):
            values[name].append(value)
    fitted: dict[str, Any] = {}
    for name, seen in values.items():
        feature = settings.features[name]
        if feature.fit == "vocabulary":
            fitted[name] = vocabulary(Counter(seen), feature.min_count)
        elif feature.fit == "bounds":
            fitted[name] = column_bounds(ValueCounts.of(seen), feature.num_buckets)
        else:
            fitted[name] = max(seen) + 1
    return fitted
