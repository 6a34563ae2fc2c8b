"""A metric in a cell of a table."""

from pipelines.evaluation.interval import Interval


def interval_cell(interval: Interval, *, best: bool = False) -> str:
    """Returns the value with its interval below, as HTML.

    Args:
        interval: The metric.
        best: Whether to mark it.

    Example:
        >>> interval_cell(Interval(0.5, 0.4, 0.6))
        '0.5000<small>0.4000 to 0.6000</small>'
    """
    if interval.value is None:
        return '<span title="not defined on these examples">-</span>'
    value = f"{interval.value:.4f}"
    if best:
        value = f'<span class="best">{value} <span aria-label="best">★</span></span>'
    if interval.low is None:
        return value
    return f"{value}<small>{interval.low:.4f} to {interval.high:.4f}</small>"
