"""A metric has one value, whether a Keras model or an evaluation of files computes it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.evaluate import evaluate_predictions
from tests.pipelines.evaluation import oracles
from tfrs_afm.tasks import metrics

# Few scores, so that many tie; groups small enough to write out every order of the tied.
rows = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.integers(0, 1),
        st.sampled_from([0.0, 0.125, 0.5, 0.875, 1.0]),
        st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    ),
    min_size=1,
    max_size=14,
).filter(lambda drawn: any(weight for *_, weight in drawn))
KERAS: dict[str, Callable[[], Any]] = {
    "grouped_auc": lambda: metrics.GroupedAUC("user"),
    "mrr": lambda: metrics.MeanReciprocalRank("user"),
    **{f"ndcg_at_{k}": lambda k=k: metrics.NDCG("user", k) for k in (1, 3)},  # type: ignore[misc]
    **{f"hit_rate_at_{k}": lambda k=k: metrics.HitRate("user", k) for k in (1, 3)},  # type: ignore[misc]
    **{
        f"map_at_{k}": lambda k=k: metrics.MeanAveragePrecision("user", k)  # type: ignore[misc]
        for k in (1, 3)
    },
}
RANKINGS = Evaluation(
    metrics=("grouped_auc", "ndcg", "hit_rate", "mrr", "map"), k=(1, 3), bootstrap=0
)


def keras(metric: Any, drawn: list, parts: int = 1) -> float:
    for part in np.array_split(np.array(drawn, float), parts):
        groups = tf.constant(part[:, 0], tf.int64)
        metric.update_state(part[:, 1:2], part[:, 2:3], part[:, 3], groups=groups)
    return float(metric.result())


def files(drawn: list, evaluation: Evaluation = RANKINGS) -> dict[str, float | None]:
    groups, labels, scores, weights = zip(*drawn, strict=True)
    found = evaluate_predictions(labels, scores, groups, weights, evaluation=evaluation)
    return {name: interval.value for name, interval in found.items()}


@pytest.mark.long
@given(rows, st.sampled_from([1, 3]))
def test_keras_and_evaluate_agree_on_every_ranking_metric(drawn: list, parts: int) -> None:
    found = files(drawn)
    assert found.keys() == KERAS.keys()
    for name, make in KERAS.items():
        metric = make()
        assert metric.name == name
        assert keras(metric, drawn, parts) == pytest.approx(found[name] or 0.0, abs=1e-6), name


@given(rows)
def test_both_are_the_mean_over_every_order_of_the_tied(drawn: list) -> None:
    counted = [row[:3] for row in drawn if row[3]]
    measures = {"mrr": oracles.reciprocal}
    for k in (1, 3):
        measures[f"hit_rate_at_{k}"] = lambda ranked, k=k: oracles.hit(ranked, k)
        measures[f"map_at_{k}"] = lambda ranked, k=k: oracles.precision_average(ranked, k)
        measures[f"ndcg_at_{k}"] = lambda ranked, k=k: oracles.gain(ranked, k)
    found = files(drawn)
    for name, measure in measures.items():
        values = oracles.over_orders(*zip(*counted, strict=True), measure)
        expected = pytest.approx(np.mean(values), abs=1e-12) if values else None
        assert found[name] == expected, name


def inside(drawn: list, group: int) -> tuple[list, list, list]:
    """Labels, scores and weights of a group's examples that count."""
    found = [row[1:] for row in drawn if row[0] == group and row[3]]
    return tuple(map(list, zip(*found, strict=True))) or ([], [], [])  # type: ignore[return-value]


@given(rows)
def test_grouped_auc_is_scikit_learns_auc_of_each_group_by_its_weight(drawn: list) -> None:
    total = weight = 0.0
    for group in {row[0] for row in drawn}:
        labels, scores, weights = inside(drawn, group)
        if len(set(labels)) == 2:
            total += sum(weights) * sk.roc_auc_score(labels, scores, sample_weight=weights)
            weight += sum(weights)
    expected = pytest.approx(total / weight, abs=1e-12) if weight else None
    assert files(drawn)["grouped_auc"] == expected


@given(rows, st.sampled_from([1, 3]))
def test_ndcg_is_scikit_learns_of_each_group_of_two_or_more(drawn: list, k: int) -> None:
    drawn = [row for row in drawn if len(inside(drawn, row[0])[0]) > 1 and row[3]]
    values = []
    for group in {row[0] for row in drawn}:
        labels, scores, _ = inside(drawn, group)
        if any(labels):
            values.append(sk.ndcg_score([labels], [scores], k=k))
    if values:
        assert files(drawn)[f"ndcg_at_{k}"] == pytest.approx(np.mean(values), abs=1e-12)


@given(rows, st.sampled_from([0.2, 0.5, 0.9]))
def test_metrics_of_examples_are_scikit_learns(drawn: list, threshold: float) -> None:
    evaluation = Evaluation(
        metrics=("auc", "logloss", "accuracy", "precision", "recall", "rmse", "calibration_error"),
        threshold=threshold,
        bins=7,
        bootstrap=0,
    )
    _, labels, scores, weights = zip(*[row for row in drawn if row[3]], strict=True)
    answers = [int(score >= threshold) for score in scores]
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    weighted = {"sample_weight": weights}
    both = len(set(labels)) == 2
    expected = {
        "auc": sk.roc_auc_score(labels, scores, **weighted) if both else None,
        "logloss": sk.log_loss(labels, clipped, labels=[0, 1], **weighted),
        "accuracy": sk.accuracy_score(labels, answers, **weighted),
        "precision": sk.precision_score(labels, answers, zero_division=0.0, **weighted),
        "recall": sk.recall_score(labels, answers, **weighted) if any(labels) else None,
        "rmse": sk.root_mean_squared_error(labels, scores, **weighted),
        "calibration_error": oracles.calibration_error(labels, scores, weights, 7),
    }
    found = files(drawn, evaluation)
    for name, value in expected.items():
        assert found[name] == (None if value is None else pytest.approx(value, abs=1e-9)), name


def test_a_model_that_scores_everything_alike_gets_what_chance_gets_in_both() -> None:
    drawn = [(group, label, 0.5, 1.0) for group in (7, 8) for label in (1, 0, 0, 0)]
    expected = {"mrr": (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, "hit_rate_at_1": 0.25, "map_at_1": 0.25}
    expected |= {"ndcg_at_1": 0.25, "grouped_auc": 0.5, "hit_rate_at_3": 0.75}
    found = files(drawn)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value)
        assert keras(KERAS[name](), drawn) == pytest.approx(value)


def test_example_weights_count_in_grouped_auc_of_both() -> None:
    labels, scores = [1, 0, 0, 0, 0, 0, 0, 1], [0.9, 0.1, 0.2, 0.3] * 2
    drawn = list(zip([7] * 4 + [8] * 4, labels, scores, [1.0] * 4 + [5.0] * 4, strict=True))
    expected = pytest.approx((4 * 1 + 20 * 2 / 3) / 24)
    assert files(drawn)["grouped_auc"] == expected
    assert keras(metrics.GroupedAUC("user"), drawn) == expected


@pytest.mark.long
def test_long_lists_of_equal_scores_keep_their_precision() -> None:
    drawn = [(1, int(row == 17), 0.5, 1.0) for row in range(20_000)]
    found = files(drawn)
    for name, make in KERAS.items():
        assert keras(make(), drawn) == pytest.approx(found[name], rel=1e-5), name
    assert found["hit_rate_at_3"] == pytest.approx(3 / 20_000)


def test_the_former_name_of_the_auc_of_groups_is_taken() -> None:
    evaluation = Evaluation(metrics=("group_auc",), bootstrap=0)
    assert evaluation == Evaluation(metrics=("grouped_auc",), bootstrap=0)
    found = files([(1, 1, 0.9, 1.0), (1, 0, 0.1, 1.0)], evaluation)
    assert found == {"grouped_auc": 1.0}
