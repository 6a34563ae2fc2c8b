from pipelines.evaluation.evaluate import metrics_table


def test_a_table_has_a_line_a_model_and_names_the_group() -> None:
    metrics = {
        "a": {"grouped_auc": 0.5, "ndcg_at_10": 0.25},
        "model": {"grouped_auc": 1, "ndcg_at_10": 0},
    }
    assert metrics_table(metrics, "user").splitlines() == [
        "       per-user auc  ndcg@10",
        "a            0.5000   0.2500",
        "model        1.0000   0.0000",
    ]
