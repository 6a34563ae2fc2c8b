from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.preparation.time_split import time_split


@given(st.lists(st.integers(0, 40), max_size=60))
def test_parts_are_in_time_order_and_no_timestamp_is_in_two(times: list[int]) -> None:
    ordered = sorted(times)
    edges = [ordered[share * len(ordered) // 10] for share in (0, 8, 9)] if times else []
    if len(set(edges)) < 3:  # a part would be empty
        with pytest.raises(ValueError, match="must differ enough"):
            time_split(times, [0.8, 0.1, 0.1])
        return
    starts = time_split(times, [0.8, 0.1, 0.1])
    parts = [[t for t in times if bisect_right(starts, t) == part] for part in range(3)]
    assert all(parts)
    assert max(parts[0]) < min(parts[1]) <= max(parts[1]) < min(parts[2])
    # Events of the boundary's own timestamp may move on, no other.
    assert len(parts[0]) <= len(times) * 0.8 <= len(parts[0]) + times.count(starts[0]) + 1


def test_distinct_times_are_cut_exactly() -> None:
    assert time_split(range(1000, 1100), [0.8, 0.1, 0.1]) == [1080, 1090]


def test_a_rounding_error_of_the_shares_moves_no_boundary() -> None:
    assert time_split(range(10), [0.7, 0.1, 0.2]) == [7, 8]


@pytest.mark.parametrize("fractions", [[0.8, 0.1], [1.1, -0.1]])
def test_fractions_that_do_not_make_a_whole_are_an_error(fractions: list[float]) -> None:
    with pytest.raises(ValueError, match="`fractions` must be positive and sum to one"):
        time_split(range(10), fractions)
