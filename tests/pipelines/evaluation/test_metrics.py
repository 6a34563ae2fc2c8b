import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.metrics.auc import auc
from pipelines.metrics.grouped_auc import grouped_auc
from pipelines.metrics.log_loss import log_loss
from pipelines.metrics.ndcg import ndcg
from tests.pipelines import oracles

# Few distinct scores, so that ties are common.
rows = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])),
    min_size=2,
    max_size=40,
)


@given(rows)
def test_auc_is_the_share_of_pairs_in_the_right_order(drawn: list) -> None:
    _, labels, scores = zip(*drawn, strict=True)
    assume(0 < sum(labels) < len(labels))
    assert auc(labels, scores) == pytest.approx(oracles.auc(labels, scores), abs=1e-12)


@given(rows)
def test_log_loss_is_the_mean_negative_log_likelihood(drawn: list) -> None:
    _, labels, scores = zip(*drawn, strict=True)
    assert log_loss(labels, scores) == pytest.approx(oracles.log_loss(labels, scores), abs=1e-12)


@given(rows)
def test_grouped_auc_is_the_weighted_mean_of_the_groups_with_both_classes(drawn: list) -> None:
    groups, labels, scores = zip(*drawn, strict=True)
    assume(
        any(
            0 < sum(inside) < len(inside)
            for inside, _ in oracles.by_group(*zip(*drawn, strict=True))
        )
    )
    expected = oracles.grouped_auc(groups, labels, scores)
    assert grouped_auc(groups, labels, scores) == pytest.approx(expected, abs=1e-12)


@given(rows, st.integers(1, 12))
def test_ndcg_is_the_expected_gain_over_the_orders_of_the_tied(drawn: list, k: int) -> None:
    groups, labels, scores = zip(*drawn, strict=True)
    assume(sum(labels))
    expected = oracles.ndcg(groups, labels, scores, k)
    assert ndcg(groups, labels, scores, k) == pytest.approx(expected, abs=1e-12)


def test_ndcg_of_ties_is_the_mean_over_drawn_orders() -> None:
    # The oracle above shares our reading of ties; this one breaks them by chance.
    labels, scores = [1, 0, 0, 1, 0, 1], [0.9, 0.9, 0.9, 0.5, 0.5, 0.1]
    draw = random.Random(0)
    broken = [
        ndcg([1] * 6, labels, [score + draw.random() * 1e-3 for score in scores], 3)
        for _ in range(4000)
    ]
    assert ndcg([1] * 6, labels, scores, 3) == pytest.approx(np.mean(broken), abs=0.01)


@pytest.mark.parametrize("metric", [auc, log_loss])
def test_the_order_of_the_examples_does_not_matter(metric: Callable[..., float]) -> None:
    draw = np.random.default_rng(0)
    labels, scores = draw.integers(0, 2, 200), draw.integers(0, 9, 200) / 10
    mixed = draw.permutation(200)
    assert metric(labels, scores) == pytest.approx(metric(labels[mixed], scores[mixed]))


@pytest.mark.parametrize("metric", [grouped_auc, ndcg])
def test_the_order_of_grouped_examples_does_not_matter(metric: Callable[..., float]) -> None:
    draw = np.random.default_rng(0)
    groups, labels = draw.integers(0, 9, 200), draw.integers(0, 2, 200)
    scores = draw.integers(0, 9, 200) / 10
    mixed = draw.permutation(200)
    changed = metric(groups[mixed], labels[mixed], scores[mixed])
    assert metric(groups, labels, scores) == pytest.approx(changed)


def test_columns_as_a_model_predicts_them_are_taken() -> None:
    labels, scores = np.array([[0.0], [1.0], [1.0]]), np.array([[0.3], [0.2], [0.4]], np.float32)
    assert auc(labels, scores) == 0.5
    assert grouped_auc([1, 1, 1], labels, scores) == 0.5
    assert log_loss(labels, scores) == pytest.approx(oracles.log_loss([0, 1, 1], [0.3, 0.2, 0.4]))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: auc([1, 1], [0.1, 0.2]), "2 positive and 0 negative"),
        (lambda: auc([], []), "0 positive and 0 negative"),
        (lambda: log_loss([], []), "`labels` must not be empty"),
        (lambda: log_loss([1, 0], [0.5, 1.5]), "predictions=1.5 in row 1"),
        (lambda: log_loss([1, 0], [float("nan"), 0.5]), "predictions=nan in row 0"),
        (lambda: grouped_auc([1, 2], [0, 1], [0.1, 0.2]), "`groups` must have a group"),
        (lambda: ndcg([1], [0], [0.1]), "`groups` must have a group with a positive"),
        (lambda: ndcg([1], [1], [0.1], 0), "`k` must be positive"),
    ],
)
def test_what_has_no_value_is_an_error_that_says_why(call: Callable[[], float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
