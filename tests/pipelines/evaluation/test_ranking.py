from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.evaluation.ranking import Ranking
from pipelines.metrics.hit_rate import hit_rate
from pipelines.metrics.mean_average_precision import mean_average_precision
from pipelines.metrics.mrr import mrr
from pipelines.metrics.ndcg import ndcg
from tests.pipelines.evaluation import oracles

# Groups of at most six, so that every order can be written out; few scores, so that many tie.
groups_of_rows = st.lists(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.5, 0.9])), min_size=1, max_size=6
    ),
    min_size=1,
    max_size=4,
).map(
    lambda drawn: tuple(
        zip(*[(g, *row) for g, rows in enumerate(drawn) for row in rows], strict=True)
    )
)


@given(groups_of_rows, st.integers(1, 7))
def test_ties_count_as_the_mean_over_every_order(drawn: tuple, k: int) -> None:
    groups, labels, scores = drawn
    assume(any(labels))
    expected = {
        hit_rate: oracles.over_orders(*drawn, lambda ranked: oracles.hit(ranked, k)),
        ndcg: oracles.over_orders(*drawn, lambda ranked: oracles.gain(ranked, k)),
        mean_average_precision: oracles.over_orders(
            *drawn, lambda ranked: oracles.precision_average(ranked, k)
        ),
    }
    for metric, values in expected.items():
        assert metric(groups, labels, scores, k) == pytest.approx(np.mean(values), abs=1e-12)
    reciprocal = oracles.over_orders(*drawn, oracles.reciprocal)
    assert mrr(groups, labels, scores) == pytest.approx(np.mean(reciprocal), abs=1e-12)


def test_a_model_that_scores_all_candidates_alike_gets_what_chance_gets() -> None:
    # The protocol of the sequence papers: one positive among 99 given negatives.
    groups = np.repeat(np.arange(50), 100)
    labels = np.tile([1] + [0] * 99, 50)
    scores = np.zeros(5000)
    assert hit_rate(groups, labels, scores, 10) == pytest.approx(0.10)
    assert mrr(groups, labels, scores) == pytest.approx(sum(1 / r for r in range(1, 101)) / 100)
    gain = sum(1 / np.log2(rank + 1) for rank in range(1, 11)) / 100
    assert ndcg(groups, labels, scores, 10) == pytest.approx(gain)


def test_the_rank_of_one_positive_among_given_candidates_decides() -> None:
    draw = np.random.default_rng(0)
    scores = draw.random([40, 100])
    labels = np.zeros([40, 100])
    labels[:, 0] = 1
    rank = (scores > scores[:, :1]).sum(1) + 1
    groups = np.repeat(np.arange(40), 100)
    assert hit_rate(groups, labels, scores, 10) == pytest.approx((rank <= 10).mean())
    assert mrr(groups, labels, scores) == pytest.approx((1 / rank).mean())
    expected = np.where(rank <= 10, 1 / np.log2(rank + 1), 0).mean()
    assert ndcg(groups, labels, scores, 10) == pytest.approx(expected)


def test_groups_without_a_positive_have_no_value() -> None:
    ranking = Ranking([1, 1, 2, 2], [0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4])
    for found in (
        ranking.auc(),
        ranking.ndcg(1),
        ranking.hit_rate(1),
        ranking.reciprocal_rank(),
        ranking.average_precision(1),
    ):
        assert np.isnan(found[0])
        assert found[1] == 1.0


def test_groups_may_be_words_and_stay_in_sorted_order() -> None:
    ranking = Ranking(["b", "a", "b"], [1, 1, 0], [0.1, 0.2, 0.3])
    assert ranking.groups.tolist() == ["a", "b"]
    assert ranking.hit_rate(1).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("metric", [hit_rate, mean_average_precision, mrr])
def test_the_order_of_the_input_does_not_matter(metric: Callable[..., float]) -> None:
    draw = np.random.default_rng(0)
    groups, labels = draw.integers(0, 9, 200), draw.integers(0, 2, 200)
    scores = draw.integers(0, 9, 200) / 10
    mixed = draw.permutation(200)
    changed = metric(groups[mixed], labels[mixed], scores[mixed])
    assert metric(groups, labels, scores) == pytest.approx(changed)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: hit_rate([1], [1], [0.1], 0), "`k` must be positive. Received: k=0"),
        (lambda: mean_average_precision([1], [1], [0.1], -1), "`k` must be positive"),
        (lambda: hit_rate([1], [0], [0.1]), "`groups` must have a group with a positive"),
        (lambda: mrr([1], [0], [0.1]), "`groups` must have a group with a positive"),
        (lambda: mean_average_precision([1], [0], [0.1]), "Received: 1 examples without one"),
        (lambda: Ranking([1, 1], [0, 1], [0.1, float("nan")]), "scores=nan in row 1"),
        (lambda: Ranking([], [], []), "`labels` must not be empty"),
    ],
)
def test_what_has_no_value_is_an_error_that_says_why(call: Callable[[], float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
