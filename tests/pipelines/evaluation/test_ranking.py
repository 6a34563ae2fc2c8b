from collections.abc import Callable

import numpy as np
import pytest

from pipelines.evaluation.ranking import Ranking


def test_a_model_that_scores_all_candidates_alike_gets_what_chance_gets() -> None:
    # The protocol of the sequence papers: one positive among 99 given negatives.
    groups = np.repeat(np.arange(50), 100)
    labels = np.tile([1] + [0] * 99, 50)
    scores = np.zeros(5000)
    ranking = Ranking(groups, labels, scores)
    assert ranking.hit_rate(10).mean() == pytest.approx(0.10)
    assert ranking.reciprocal_rank().mean() == pytest.approx(
        sum(1 / r for r in range(1, 101)) / 100
    )
    gain = sum(1 / np.log2(rank + 1) for rank in range(1, 11)) / 100
    assert ranking.ndcg(10).mean() == pytest.approx(gain)


def test_the_rank_of_one_positive_among_given_candidates_decides() -> None:
    draw = np.random.default_rng(0)
    scores = draw.random([40, 100])
    labels = np.zeros([40, 100])
    labels[:, 0] = 1
    rank = (scores > scores[:, :1]).sum(1) + 1
    groups = np.repeat(np.arange(40), 100)
    ranking = Ranking(groups, labels, scores)
    assert ranking.hit_rate(10).mean() == pytest.approx((rank <= 10).mean())
    assert ranking.reciprocal_rank().mean() == pytest.approx((1 / rank).mean())
    expected = np.where(rank <= 10, 1 / np.log2(rank + 1), 0).mean()
    assert ranking.ndcg(10).mean() == pytest.approx(expected)


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


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Ranking([1, 1], [0, 1], [0.1, float("nan")]), "scores=nan in row 1"),
        (lambda: Ranking([], [], []), "`labels` must not be empty"),
    ],
)
def test_what_has_no_ranking_is_an_error_that_says_why(
    call: Callable[[], object], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        call()
