from bisect import bisect_right
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.fitting.statistics import quantile_bounds, vocabulary


@given(st.lists(st.sampled_from("abcde")), st.integers(1, 3))
def test_a_vocabulary_holds_the_frequent_values_most_frequent_first(
    values: list[str], min_count: int
) -> None:
    found = vocabulary(Counter(values), min_count)
    assert set(found) == {value for value in values if values.count(value) >= min_count}
    assert found == sorted(found, key=lambda value: (-values.count(value), value))
    assert found == vocabulary(Counter(sorted(values)), min_count)


@given(st.lists(st.integers(0, 20), min_size=1), st.integers(2, 8))
def test_bounds_are_distinct_values_that_leave_no_bucket_empty(
    values: list[int], num_buckets: int
) -> None:
    bounds = quantile_bounds(values, num_buckets)
    assert len(bounds) < num_buckets
    assert bounds == sorted(set(bounds))
    assert set(bounds) <= set(values)
    filled = Counter(bisect_right(bounds, value) for value in values)
    assert set(filled) == set(range(len(bounds) + 1))


@given(st.integers(2, 8), st.integers(1, 9))
def test_buckets_of_distinct_values_differ_by_one_at_most(num_buckets: int, times: int) -> None:
    values = list(range(num_buckets * times + 1))
    bounds = quantile_bounds(values, num_buckets)
    filled = Counter(bisect_right(bounds, value) for value in values)
    assert len(filled) == num_buckets
    assert max(filled.values()) - min(filled.values()) <= 1


def test_bounds_that_cannot_be_are_errors() -> None:
    with pytest.raises(ValueError, match="`num_buckets` must be at least 2"):
        quantile_bounds([1.0], 1)
    with pytest.raises(ValueError, match="`values` must not be empty"):
        quantile_bounds([], 4)
