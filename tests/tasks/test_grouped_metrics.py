import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests.pipelines import oracles
from tests.pipelines.evaluation import oracles as orders
from tfrs_afm.tasks import metrics

# Few distinct scores, so that ties are common.
rows = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])),
    min_size=1,
    max_size=9,  # every order of the tied is written out
)
METRICS = {
    "auc": lambda: metrics.GroupedAUC("user"),
    "plain_auc": lambda: metrics.GroupedAUC("user", weighted=False),
    "ndcg": lambda: metrics.NDCG("user", k=3),
    "hit_rate": lambda: metrics.HitRate("user", k=2),
    "mrr": lambda: metrics.MeanReciprocalRank("user"),
    "map": lambda: metrics.MeanAveragePrecision("user", k=3),
}


def fed(metric: Any, drawn: list, parts: int = 1) -> float:
    for part in np.array_split(np.array(drawn, float), parts):
        groups = tf.constant(part[:, 0], tf.int64)
        metric.update_state(part[:, 1:2], part[:, 2:], groups=groups)
    return float(metric.result())


def mean(values: list) -> float:
    return sum(values) / len(values) if values else 0.0


def expected(name: str, drawn: list) -> float:
    groups, labels, scores = zip(*drawn, strict=True)
    split = oracles.by_group(groups, labels, scores)
    both = [part for part in split if 0 < sum(part[0]) < len(part[0])]
    if name == "auc":
        return oracles.grouped_auc(groups, labels, scores) if both else 0.0
    if name == "plain_auc":
        return mean([oracles.auc(*part) for part in both])
    if name == "ndcg":
        return oracles.ndcg(groups, labels, scores, 3) if any(labels) else 0.0
    measure = {
        "hit_rate": lambda ranked: orders.hit(ranked, 2),
        "mrr": orders.reciprocal,
        "map": lambda ranked: orders.precision_average(ranked, 3),
    }[name]
    return mean(orders.over_orders(groups, labels, scores, measure))


@pytest.mark.long
@pytest.mark.parametrize("name", METRICS)
@given(rows)
def test_metric_is_the_loops_however_the_rows_are_batched(name: str, drawn: list) -> None:
    want = expected(name, drawn)
    assert math.isclose(fed(METRICS[name](), drawn), want, abs_tol=1e-6)
    assert math.isclose(fed(METRICS[name](), drawn, parts=3), want, abs_tol=1e-6)


@pytest.mark.matrix
@pytest.mark.parametrize("name", METRICS)
def test_metric_runs_in_a_graph_resets_and_merges(name: str) -> None:
    rng = np.random.default_rng(4)
    drawn = list(zip(rng.integers(0, 5, 40), rng.integers(0, 2, 40), rng.random(40), strict=True))
    metric, other, whole = (METRICS[name]() for _ in range(3))

    @tf.function
    def update(groups: Any, labels: Any, scores: Any) -> Any:
        metric.update_state(labels, scores, groups=groups)
        return metric.result()

    def columns(rows: list) -> list:
        groups, labels, scores = zip(*rows, strict=True)
        return [
            tf.constant(groups, tf.int64),
            tf.constant(labels, tf.float32),
            tf.constant(scores, tf.float32),
        ]

    update(*columns(drawn[:9]))
    metric.reset_state()
    assert float(metric.result()) == 0
    update(*columns(drawn[:15]))
    fed(other, drawn[15:])
    metric.merge_state([other])
    assert math.isclose(float(metric.result()), fed(whole, drawn), abs_tol=1e-6)
    clone = type(metric).from_config(metric.get_config())
    assert clone.get_config() == metric.get_config()


def test_weight_zero_leaves_an_example_out() -> None:
    metric = metrics.MeanReciprocalRank("user")
    groups = tf.constant([1, 1, 1], tf.int64)
    metric.update_state([0, 0, 1], [0.9, 0.8, 0.7], [0.0, 2.0, 1.0], groups=groups)
    assert float(metric.result()) == 0.5


def test_k_that_is_not_positive_is_named() -> None:
    with pytest.raises(ValueError, match=r"`k` must be positive. Received: k=0. Use 10"):
        metrics.NDCG("user", k=0)
