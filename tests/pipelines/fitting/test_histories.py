import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.fitting.histories import histories
from tests.pipelines import oracles

events = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(1, 6),
        st.integers(1, 5),
        st.integers(0, 6).map(lambda t: t * 50000),
    ),
    max_size=30,
)


def columns(log: list) -> tuple[list, list, list, list]:
    return (
        [user for user, _, _, _ in log],
        [film for _, film, _, _ in log],
        [time for _, _, _, time in log],
        [stars >= 4 for _, _, stars, _ in log],
    )


@given(events, st.integers(1, 5))
def test_histories_are_those_of_a_look_at_the_whole_log(log: list, length: int) -> None:
    found = histories(*columns(log), length)
    for number, event in enumerate(log):
        films, ages = oracles.history(event, log, length)
        assert found.items[number] == films
        assert found.ages[number] == pytest.approx(ages)


@given(events, st.randoms(use_true_random=False))
def test_the_order_of_the_log_does_not_matter(log: list, random: object) -> None:
    mixed = list(range(len(log)))
    random.shuffle(mixed)  # type: ignore[attr-defined]
    found, other = histories(*columns(log), 4), histories(*columns([log[i] for i in mixed]), 4)
    assert [found.items[i] for i in mixed] == other.items
    assert [found.ages[i] for i in mixed] == other.ages


@given(events)
def test_no_later_event_changes_a_history(log: list) -> None:
    whole = histories(*columns(log), 4)
    for number, event in enumerate(log):
        past = [e for e in log if e[3] < event[3]]
        alone = histories(*columns([*past, event]), 4)
        assert whole.items[number] == alone.items[-1]


def test_ratings_of_one_timestamp_do_not_see_each_other() -> None:
    found = histories([1, 1, 1], [5, 6, 7], [100, 100, 101], [True, True, True], 50)
    assert found.items == [[], [], [5, 6]]
    assert all(age > 0 for ages in found.ages for age in ages)


def test_a_length_that_is_not_positive_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"`length` must be positive\. Received: length=0"):
        histories([1], [1], [1], [True], 0)
