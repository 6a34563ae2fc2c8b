import time
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.evaluate import evaluate_predictions


def test_the_default_metrics_fit_the_task() -> None:
    evaluation = Evaluation(bootstrap=0)
    plain = evaluate_predictions([0, 1], [0.1, 0.9], evaluation=evaluation)
    assert list(plain) == ["auc", "logloss", "accuracy", "calibration_error"]
    grouped = evaluate_predictions([0, 1], [0.1, 0.9], [1, 1], evaluation=evaluation)
    assert list(grouped) == [*plain, "grouped_auc", "ndcg_at_10"]
    numbers = evaluate_predictions([-1, 1], [-3.0, 3.0], task="regression", evaluation=evaluation)
    assert numbers == {"rmse": Interval(2.0)}


def test_rmse_sees_clipped_predictions() -> None:
    labels, predictions = [1.0, -1.0, 1.0], [2.0, 0.0, 0.5]
    for weights, clip, expected in (
        ([1, 1, 1], None, (1 + 1 + 0.25) / 3),
        ([1, 1, 1], (-1, 1), (0 + 1 + 0.25) / 3),
        ([1, 2, 1], None, (1 + 2 + 0.25) / 4),
    ):
        evaluation = Evaluation(metrics=("rmse",), clip=clip, bootstrap=0)
        found = evaluate_predictions(labels, predictions, None, weights, evaluation=evaluation)
        assert found["rmse"].value == pytest.approx(expected**0.5)


def test_an_example_of_weight_0_counts_nowhere_not_even_where_it_has_no_label() -> None:
    evaluation = Evaluation(metrics=("auc", "logloss", "mrr", "rmse"), bootstrap=20)
    labels, scores, groups = [1, 0, 1, 0, 1], [0.9, 0.2, 0.4, 0.7, 0.5], [1, 1, 2, 2, 2]
    nan = float("nan")
    more = ([*labels, nan, 0], [*scores, 0.5, nan], [*groups, 2, 3], [1.0] * 5 + [0.0, 0.0])
    found = evaluate_predictions(*more, evaluation=evaluation)
    assert found == evaluate_predictions(labels, scores, groups, evaluation=evaluation)


def test_the_interval_of_a_rate_is_that_of_the_normal_approximation() -> None:
    draw = np.random.default_rng(0)
    labels = draw.random(4000) < 0.3
    evaluation = Evaluation(metrics=("accuracy",), bootstrap=2000)
    found = evaluate_predictions(labels, np.zeros(4000), evaluation=evaluation)["accuracy"]
    width = 1.96 * (0.3 * 0.7 / 4000) ** 0.5
    assert found.high - found.value == pytest.approx(width, rel=0.1)
    assert found.value - found.low == pytest.approx(width, rel=0.1)


@pytest.mark.long
def test_the_interval_of_auc_is_that_of_naive_resampling() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 300)
    scores = np.round(draw.normal(labels * 0.7, 1), 1)  # with ties
    found = evaluate_predictions(
        labels, scores, evaluation=Evaluation(metrics=("auc",), bootstrap=2000)
    )["auc"]
    naive = []
    for _ in range(1000):
        rows = draw.integers(0, 300, 300)
        naive.append(roc_auc_score(labels[rows], scores[rows]))
    low, high = np.quantile(naive, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)


def test_examples_of_one_group_are_drawn_together() -> None:
    # Ten copies of each example tell no more than one: the interval must not shrink.
    draw = np.random.default_rng(0)
    labels, scores = draw.integers(0, 2, 200), draw.random(200)
    names = Evaluation(metrics=("auc", "logloss"))
    once = evaluate_predictions(labels, scores, range(200), evaluation=names)
    copies = [np.repeat(values, 10) for values in (labels, scores, np.arange(200))]
    tenfold = evaluate_predictions(*copies, evaluation=names)
    for name in names.metrics:
        assert tenfold[name].low == pytest.approx(once[name].low, abs=1e-9)
        assert tenfold[name].high == pytest.approx(once[name].high, abs=1e-9)


def test_a_seed_decides_the_interval() -> None:
    draw = np.random.default_rng(0)
    labels, scores = draw.integers(0, 2, 200), draw.random(200)
    one, same, other = (
        evaluate_predictions(labels, scores, evaluation=Evaluation(seed=seed))["auc"]
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


@pytest.mark.long
def test_a_thousand_resamples_of_many_examples_stay_in_seconds() -> None:
    draw = np.random.default_rng(0)
    scores = draw.random(50_000)
    labels = draw.random(50_000) < scores
    start = time.process_time()
    found = evaluate_predictions(labels, scores, evaluation=Evaluation(metrics=("auc",)))
    assert found["auc"].low < found["auc"].value < found["auc"].high
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: evaluate_predictions([], []), "`labels` must not be empty"),
        (lambda: evaluate_predictions([1, 0], [0.5]), "Received: 1 predictions and 2 labels"),
        (lambda: evaluate_predictions([1], [0.5], [1, 2]), "`groups` must be as many"),
        (lambda: evaluate_predictions([1], [0.5], None, [1, 2]), "`weights` must be as many"),
        (lambda: evaluate_predictions([1], [0.5], None, [-1]), "weights=-1.0 in row 0"),
        (lambda: evaluate_predictions([1], [0.5], None, [0]), "`weights` must leave an example"),
        (lambda: evaluate_predictions([1], [float("nan")]), "predictions=nan in row 0"),
        (lambda: evaluate_predictions([1, -1], [0.5, 0.5]), "`labels` must be 0 or 1 for auc"),
        (
            lambda: evaluate_predictions([1, 0], [0.5, 1.5]),
            "`predictions` must be probabilities for logloss. Received: predictions=1.5 in row 1",
        ),
        (
            lambda: evaluate_predictions([1], [0.5], evaluation=Evaluation(metrics=("mrr",))),
            "`groups` must be given for mrr",
        ),
    ],
)
def test_what_cannot_be_judged_is_an_error_that_says_why(
    call: Callable[[], object], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        call()
