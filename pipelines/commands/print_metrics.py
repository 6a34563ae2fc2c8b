"""Metrics on the screen."""

from collections.abc import Mapping
from typing import Any


def print_metrics(metrics: Mapping[str, Mapping[str, Any]], group: str | None) -> None:
    """Prints the metrics of models as a table.

    Args:
        metrics: Model or baseline -> metric -> `{value, low, high}`.
        group: What a group is.

    Example:
        >>> print_metrics({"AFM": {"auc": {"value": 0.75, "low": 0.7, "high": 0.8}}}, None)
                auc
        AFM  0.7500
    """
    from pipelines.evaluation.metrics_table import metrics_table

    values = {
        model: {
            name: float("nan") if found["value"] is None else found["value"]
            for name, found in row.items()
        }
        for model, row in metrics.items()
    }
    print(metrics_table(values, group or "group"))
