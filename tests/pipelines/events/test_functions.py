"""The pure functions, against brute force."""

import csv
import io
import math
from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.range_trackers import OffsetRangeTracker
from hypothesis import assume, given

from pipelines.events.beam_pipeline import Summarize
from pipelines.events.beam_records import LineSource, line_number, split_line
from pipelines.events.user_examples import draw_negatives, user_examples
from pipelines.fitting.statistics import (
    Smallest,
    ValueCounts,
    column_bounds,
    count_bounds,
    quantile_bounds,
)
from pipelines.preparation.splitting import time_split, time_starts
from tests.pipelines.events import logs, oracle

NUMBERS = st.one_of(st.integers(-20, 20), st.floats(-1e6, 1e6))


def combined(summary: Summarize, shares: list[list]) -> object:
    """As workers do it: each has a share, and the accumulators meet in between."""
    found = []
    for share in shares:
        accumulator = summary.create_accumulator()
        for value in share:
            accumulator = summary.add_input(accumulator, value)
        found.append(accumulator)
    return summary.extract_output(summary.merge_accumulators(found))


@given(st.lists(st.lists(NUMBERS, max_size=30), min_size=1, max_size=4), st.integers(2, 9))
def test_bounds_of_counts_are_those_of_the_values_where_they_fit(
    shares: list[list[float]], num_buckets: int
) -> None:
    values = [value for share in shares for value in share]
    assume(values)
    counts = combined(Summarize(ValueCounts, 1000), shares)
    assert isinstance(counts, ValueCounts)
    assert count_bounds(counts, num_buckets) == quantile_bounds(values, num_buckets)
    assert counts.rank_error == 0


@given(
    st.lists(st.lists(st.integers(-50, 50), max_size=60), min_size=1, max_size=5),
    st.integers(8, 20),
)
def test_beyond_what_fits_a_value_is_not_further_from_its_rank_than_is_said(
    shares: list[list[float]], capacity: int
) -> None:
    values = sorted(value for share in shares for value in share)
    assume(values)
    counts = combined(Summarize(ValueCounts, capacity), shares)
    assert isinstance(counts, ValueCounts)
    assert counts.distinct() <= capacity
    assert counts.total() == len(values)
    assert counts.smallest() == values[0]
    for rank, found in enumerate(counts.at(range(len(values)))):
        first = sum(value < found for value in values)
        last = first + sum(value == found for value in values) - 1
        assert max(first - rank, rank - last, 0) <= counts.rank_error


def test_the_rank_error_of_many_values_is_small() -> None:
    counts = ValueCounts(1000)
    values = np.random.default_rng(0).normal(size=20_000)
    for value in values.tolist():
        counts.add(value)
    assert 0 < counts.rank_error < 0.1 * len(values)
    exact = quantile_bounds(values, 8)
    ranks = np.searchsorted(np.sort(values), count_bounds(counts, 8))
    assert len(exact) == 7
    assert np.abs(ranks - np.arange(1, 8) * 2500).max() <= counts.rank_error


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=20), min_size=1, max_size=4),
    st.sampled_from([(0.8, 0.1, 0.1), (0.7, 0.3), (0.5, 0.25, 0.25)]),
)
def test_starts_of_counts_are_those_of_the_times(
    shares: list[list[int]], fractions: tuple[float, ...]
) -> None:
    times = [time for share in shares for time in share]
    assume(times)
    counts = combined(Summarize(ValueCounts, 1000), shares)
    assert isinstance(counts, ValueCounts)
    try:
        expected = time_split(times, fractions)
    except ValueError:
        with pytest.raises(ValueError, match="`times` must differ enough"):
            time_starts(counts, fractions)
    else:
        assert time_starts(counts, fractions) == expected


def test_no_time_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="`times` must not be empty"):
        time_starts(ValueCounts(8), (0.8, 0.2))


@given(st.lists(st.lists(st.integers(0, 9)), min_size=1, max_size=4), st.integers(1, 5))
def test_the_smallest_are_kept_and_all_are_counted(shares: list[list[int]], most: int) -> None:
    kept = combined(Summarize(Smallest, most), shares)
    assert isinstance(kept, Smallest)
    everything = sorted(value for share in shares for value in share)
    assert (kept.seen, kept.kept()) == (len(everything), everything[:most])


@given(
    st.text(max_size=5),
    st.sets(st.integers(0, 15)),
    st.sets(st.integers(0, 15), max_size=12),
    st.integers(0, 6),
)
def test_negatives_are_distinct_candidates_and_never_positives(
    row: str, positives: set[int], pool: set[int], count: int
) -> None:
    candidates = sorted(pool)
    drawn = [candidates[place] for place in draw_negatives(row, positives, candidates, count, 1)]
    assert len(set(drawn)) == len(drawn) == min(count, len(pool - positives))
    assert not set(drawn) & positives
    assert draw_negatives(row, list(positives) * 2, candidates, count, 1) == draw_negatives(
        row, positives, candidates, count, 1
    )


def test_each_candidate_is_drawn_as_often_as_another_and_the_seed_decides() -> None:
    candidates = list(range(10))
    counts: Counter[int] = Counter()
    for row in range(3000):
        counts.update(draw_negatives(f"row {row}", [3, 7], candidates, 2, seed=1))
    assert set(counts) == set(candidates) - {3, 7}
    # 750 expected, with a standard deviation of 24.
    assert max(abs(count - 750) for count in counts.values()) < 120
    draws = {tuple(draw_negatives("row", [], list(range(1000)), 5, seed)) for seed in range(20)}
    assert len(draws) == 20


@given(st.binary(max_size=60), st.integers(1, 8))
def test_every_line_is_read_once_wherever_a_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, size: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "log"
    path.write_bytes(content or b"x")
    source = LineSource(str(path))
    found = []
    for start in range(0, path.stat().st_size, size):
        tracker = OffsetRangeTracker(start, min(start + size, path.stat().st_size))
        found += list(source.read_records(str(path), tracker))
    with path.open("rb") as file:
        expected = list(file)
    assert [line for _, _, line in found] == expected
    for number, (_, offset, _) in enumerate(found, start=1):
        with FileSystems.open(str(path)) as stream:
            assert line_number(stream, offset) == number


@given(st.lists(st.text("ab\"', ;|é\u2028", max_size=4), min_size=2, max_size=4))
def test_a_line_of_csv_gives_its_cells_back(cells: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    assert split_line(text.getvalue().encode(), ",") == cells


def test_a_cell_over_two_lines_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="A row must be CSV on one line"):
        split_line(b'7,"two\n', ",")


@given(st.integers(0, 5), st.integers(1, 5))
def test_a_user_sees_only_earlier_likes(seed: int, length: int) -> None:
    rows = [{**row, "user": 1} for row in logs.log(20, seed)]
    settings = logs.settings("log.csv", history=length)
    events = sorted((row["at"], row["film"], oracle.content(row)) for row in rows)
    made = [row for _, row in user_examples(events, settings, ([], []))]
    expected = [oracle.example(row, rows, length) for row in rows]
    assert logs.multiset(made) == logs.multiset(expected)
    assert all(math.isfinite(age) and age > 0 for row in made for age in row["history_age"])


def test_without_a_history_there_is_none() -> None:
    settings = logs.settings("log.csv", history=0)
    text = oracle.content(logs.log(1)[0])
    [(_, row)] = user_examples([(5, "film", text)], settings, ([], []))
    assert "history" not in row


@pytest.mark.parametrize("values", [[7.5], [7.5, 7.5, 7.5]])
def test_a_feature_with_one_value_has_a_bound_to_make_a_column_of(values: list[float]) -> None:
    assert column_bounds(ValueCounts.of(values), 4) == [7.5]
    counts = combined(Summarize(ValueCounts, 100), [values])
    assert isinstance(counts, ValueCounts)
    assert column_bounds(counts, 4) == [7.5]
