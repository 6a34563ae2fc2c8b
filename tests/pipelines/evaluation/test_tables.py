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


def test_the_best_of_a_column_is_marked_by_its_direction() -> None:
    metrics = {"a": {"auc": 0.5, "logloss": 0.25}, "b": {"auc": 0.75, "logloss": 0.5}}
    assert metrics_table(metrics, mark_best=True).splitlines() == [
        "      auc   logloss",
        "a  0.5000    0.2500*",
        "b  0.7500*   0.5000",
    ]
