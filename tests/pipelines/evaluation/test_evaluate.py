import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.evaluate import evaluate_predictions
from pipelines.evaluation.measures import calibration_error
from pipelines.metrics.accuracy import accuracy
from pipelines.metrics.auc import auc
from pipelines.metrics.grouped_auc import grouped_auc
from pipelines.metrics.hit_rate import hit_rate
from pipelines.metrics.log_loss import log_loss
from pipelines.metrics.mean_average_precision import mean_average_precision
from pipelines.metrics.mrr import mrr
from pipelines.metrics.ndcg import ndcg
from pipelines.metrics.precision import precision
from pipelines.metrics.recall import recall
from pipelines.metrics.rmse import rmse

ALL = Evaluation(
    metrics=(
        *("auc", "logloss", "accuracy", "precision", "recall", "calibration_error", "rmse"),
        *("group_auc", "ndcg", "hit_rate", "mrr", "map"),
    ),
    k=(1, 3),
    threshold=0.4,
    clip=(0.1, 0.9),
    bins=7,
    bootstrap=0,
)
rows = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.integers(0, 1),
        st.sampled_from([0.0, 0.13, 0.52, 0.87, 1.0]),
        st.sampled_from([0.5, 1.0, 3.0]),
    ),
    min_size=1,
    max_size=40,
)


def or_none(metric: Callable[[], float]) -> float | None:
    try:
        return metric()
    except ValueError:
        return None


@given(rows)
def test_each_number_is_that_of_its_metric_and_none_where_it_is_not_defined(drawn: list) -> None:
    g, y, p, w = zip(*drawn, strict=True)
    expected = {
        "auc": or_none(lambda: auc(y, p, w)),
        "logloss": log_loss(y, p, w),
        "accuracy": accuracy(y, p, 0.4, w),
        "precision": or_none(lambda: precision(y, p, 0.4, w)),
        "recall": or_none(lambda: recall(y, p, 0.4, w)),
        "calibration_error": calibration_error(y, p, 7, w),
        "rmse": rmse(y, p, (0.1, 0.9), w),
        "group_auc": or_none(lambda: grouped_auc(g, y, p, w)),
        "mrr": or_none(lambda: mrr(g, y, p)),
    }
    for k in (1, 3):
        expected[f"ndcg_{k}"] = or_none(lambda k=k: ndcg(g, y, p, k))
        expected[f"hit_rate_{k}"] = or_none(lambda k=k: hit_rate(g, y, p, k))
        expected[f"map_{k}"] = or_none(lambda k=k: mean_average_precision(g, y, p, k))
    found = evaluate_predictions(y, p, g, w, evaluation=ALL)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == Interval(value if value is None else pytest.approx(value, abs=1e-12))


def test_the_default_metrics_fit_the_task() -> None:
    evaluation = Evaluation(bootstrap=0)
    plain = evaluate_predictions([0, 1], [0.1, 0.9], evaluation=evaluation)
    assert list(plain) == ["auc", "logloss", "accuracy", "calibration_error"]
    grouped = evaluate_predictions([0, 1], [0.1, 0.9], [1, 1], evaluation=evaluation)
    assert list(grouped) == [*plain, "group_auc", "ndcg_10"]
    numbers = evaluate_predictions([-1, 1], [-3.0, 3.0], task="regression", evaluation=evaluation)
    assert numbers == {"rmse": Interval(2.0)}


def test_the_interval_of_a_rate_is_that_of_the_normal_approximation() -> None:
    draw = np.random.default_rng(0)
    labels = draw.random(4000) < 0.3
    evaluation = Evaluation(metrics=("accuracy",), bootstrap=2000)
    found = evaluate_predictions(labels, np.zeros(4000), evaluation=evaluation)["accuracy"]
    width = 1.96 * (0.3 * 0.7 / 4000) ** 0.5
    assert found.high - found.value == pytest.approx(width, rel=0.1)
    assert found.value - found.low == pytest.approx(width, rel=0.1)


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
        naive.append(auc(labels[rows], scores[rows]))
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
