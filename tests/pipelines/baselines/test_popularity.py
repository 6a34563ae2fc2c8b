import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.baselines.popularity import Popularity

EVENTS = st.lists(st.tuples(st.integers(-3, 5), st.integers(0, 1)), min_size=1, max_size=40)


@given(EVENTS, st.floats(0.5, 20), st.lists(st.integers(-5, 8)))
def test_the_rate_of_an_item_is_smoothed_towards_that_of_all(
    events: list[tuple[int, int]], prior: float, asked: list[int]
) -> None:
    items, labels = zip(*events, strict=True)
    mean = sum(labels) / len(labels)
    expected = [
        (sum(label for item, label in events if item == one) + prior * mean)
        / (sum(item == one for item, _ in events) + prior)
        for one in asked
    ]
    found = Popularity(items, labels, prior).predict(asked).tolist()
    assert found == pytest.approx(expected, abs=1e-12)


def test_without_examples_or_with_a_prior_of_nothing_there_is_no_rate() -> None:
    with pytest.raises(ValueError, match="`labels` must not be empty"):
        Popularity([], [])
    with pytest.raises(ValueError, match=r"`prior` must be positive. Received: prior=0"):
        Popularity([1], [1], prior=0)
