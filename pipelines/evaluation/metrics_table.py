"""Metrics of several models as text."""

from collections.abc import Mapping


def metrics_table(metrics: Mapping[str, Mapping[str, float]], group: str = "group") -> str:
    """Lays metrics out as an aligned table, one model a line.

    Args:
        metrics: Model -> name of a metric -> number; every model has the same metrics.
        group: What a group is, as "user", for the headings.

    Returns:
        Lines without a line end behind the last.

    Example:
        >>> print(metrics_table({"AFM": {"auc": 0.75}, "popularity": {"auc": 0.5}}))
                       auc
        AFM         0.7500
        popularity  0.5000
    """
    first = next(iter(metrics.values()), {})
    headings = [name.replace("group", f"per-{group}").replace("_", " ") for name in first]
    width = max(map(len, metrics), default=0)
    widths = [max(len(heading), 6) for heading in headings]
    lines = [" " * width + "".join(f"  {h:>{w}}" for h, w in zip(headings, widths, strict=True))]
    for model, values in metrics.items():
        cells = zip(values.values(), widths, strict=True)
        lines.append(f"{model:<{width}}" + "".join(f"  {value:>{w}.4f}" for value, w in cells))
    return "\n".join(lines)
