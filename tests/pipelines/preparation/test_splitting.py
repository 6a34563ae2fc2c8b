from bisect import bisect_right
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.configuration.configuration import Split
from pipelines.preparation.splitting import assign_splits, time_split


def test_a_random_split_is_decided_by_its_seed() -> None:
    rows = [{} for _ in range(2000)]
    one, same, other = (list(assign_splits(rows, Split(seed=seed), None)) for seed in (1, 1, 2))
    assert one == same != other
    counts = Counter(one)
    assert [counts[part] for part in ("train", "validation", "test")] == pytest.approx(
        [1600, 200, 200], abs=60
    )


def test_a_split_by_time_sends_the_newest_rows_to_the_test_part() -> None:
    rows = [{"at": at} for at in (30, 10, 20, 50, 40)]
    split = Split(by="time", column="at", fractions=(0.6, 0.2, 0.2))
    assert list(assign_splits(rows, split, None)) == [
        "train",
        "train",
        "train",
        "test",
        "validation",
    ]


def test_a_split_by_time_may_have_no_validation_part() -> None:
    rows = [{"at": at} for at in range(4)]
    split = Split(by="time", column="at", fractions=(0.5, 0.0, 0.5))
    assert list(assign_splits(rows, split, None)) == ["train", "train", "test", "test"]


def test_the_last_two_rows_of_each_group_are_left_out() -> None:
    rows = [{"u": [u]} for u in "aabbbac"]
    parts = list(assign_splits(rows, Split(by="group"), "u"))
    assert parts == ["train", "validation", "train", "validation", "test", "test", "train"]


def test_a_column_may_say_it() -> None:
    rows = [{"part": "test"}, {"part": "train"}]
    assert list(assign_splits(rows, Split(by="column", column="part"), None)) == ["test", "train"]


def test_a_group_is_needed_to_leave_its_last_out() -> None:
    with pytest.raises(ValueError, match=r"`data\.group` must be given"):
        list(assign_splits([{}], Split(by="group"), None))


@given(st.lists(st.integers(0, 40), max_size=60))
def test_parts_are_in_time_order_and_no_timestamp_is_in_two(times: list[int]) -> None:
    ordered = sorted(times)
    edges = [ordered[share * len(ordered) // 10] for share in (0, 8, 9)] if times else []
    if len(set(edges)) < 3:  # a part would be empty
        with pytest.raises(ValueError, match=r"must differ enough|must not be empty"):
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
