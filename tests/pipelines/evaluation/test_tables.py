import numpy as np
import pytest

from pipelines.evaluation.metrics_table import metrics_table
from pipelines.evaluation.ranking_metrics import ranking_metrics
from tests.pipelines import oracles


def test_the_metrics_are_those_of_double_loops() -> None:
    draw = np.random.default_rng(0)
    groups, labels = draw.integers(0, 5, 60).tolist(), draw.integers(0, 2, 60).tolist()
    scores = draw.choice([0.1, 0.3, 0.5, 0.8], 60).tolist()
    assert ranking_metrics(groups, labels, scores) == pytest.approx(
        {
            "auc": oracles.auc(labels, scores),
            "logloss": oracles.log_loss(labels, scores),
            "group_auc": oracles.grouped_auc(groups, labels, scores),
            "ndcg_10": oracles.ndcg(groups, labels, scores, 10),
        }
    )


def test_a_table_has_a_line_a_model_and_names_the_group() -> None:
    metrics = {"a": {"group_auc": 0.5, "ndcg_10": 0.25}, "model": {"group_auc": 1, "ndcg_10": 0}}
    assert metrics_table(metrics, "user").splitlines() == [
        "       per-user auc  ndcg 10",
        "a            0.5000   0.2500",
        "model        1.0000   0.0000",
    ]
