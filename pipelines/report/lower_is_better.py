"""Which way a metric points."""

_LOW = ("logloss", "rmse", "calibration_error", "loss", "mean_squared_error")


def lower_is_better(metric: str) -> bool:
    """Returns whether a low value of a metric is a good one.

    Example:
        >>> lower_is_better("logloss"), lower_is_better("ndcg_10")
        (True, False)
    """
    return metric in _LOW
