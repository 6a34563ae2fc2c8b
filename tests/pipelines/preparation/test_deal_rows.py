from collections import Counter

import pytest

from pipelines.configuration.split import Split
from pipelines.preparation.deal_rows import deal_rows


def test_a_random_split_is_decided_by_its_seed() -> None:
    rows = [{} for _ in range(2000)]
    one, same, other = (list(deal_rows(rows, Split(seed=seed), None)) for seed in (1, 1, 2))
    assert one == same != other
    counts = Counter(one)
    assert [counts[part] for part in ("train", "validation", "test")] == pytest.approx(
        [1600, 200, 200], abs=60
    )


def test_a_split_by_time_sends_the_newest_rows_to_the_test_part() -> None:
    rows = [{"at": at} for at in (30, 10, 20, 50, 40)]
    split = Split(by="time", column="at", fractions=(0.6, 0.2, 0.2))
    assert list(deal_rows(rows, split, None)) == ["train", "train", "train", "test", "validation"]


def test_a_split_by_time_may_have_no_validation_part() -> None:
    rows = [{"at": at} for at in range(4)]
    split = Split(by="time", column="at", fractions=(0.5, 0.0, 0.5))
    assert list(deal_rows(rows, split, None)) == ["train", "train", "test", "test"]


def test_the_last_two_rows_of_each_group_are_left_out() -> None:
    rows = [{"u": [u]} for u in "aabbbac"]
    parts = list(deal_rows(rows, Split(by="group"), "u"))
    assert parts == ["train", "validation", "train", "validation", "test", "test", "train"]


def test_a_column_may_say_it() -> None:
    rows = [{"part": "test"}, {"part": "train"}]
    assert list(deal_rows(rows, Split(by="column", column="part"), None)) == ["test", "train"]


def test_a_group_is_needed_to_leave_its_last_out() -> None:
    with pytest.raises(ValueError, match=r"`data\.group` must be given"):
        list(deal_rows([{}], Split(by="group"), None))
