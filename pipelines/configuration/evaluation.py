"""The section `evaluation`: which metrics, and whether a low or a high value is good."""

import re
from typing import Annotated, Any, Literal

import pydantic

from pipelines.configuration.section import Section

_Metric = Literal[
    "auc",
    "logloss",
    "accuracy",
    "precision",
    "recall",
    "calibration_error",
    "rmse",
    "grouped_auc",
    "ndcg",
    "hit_rate",
    "mrr",
    "map",
]

_LESS_IS_BETTER = {"loss", "logloss", "crossentropy", "rmse", "mse", "mae", "mape", "error"}
_MORE_IS_BETTER = {"auc", "accuracy", "precision", "recall", "ndcg", "mrr", "map", "hit"}


def direction_of(metric: str) -> Literal["min", "max"] | None:
    """Returns whether a low or a high value of a metric is good, None where its name does not say.

    Args:
        metric: As it is called in a learning curve, in `metrics.json` or in a model.

    Example:
        >>> direction_of("val_click_ndcg_at_10"), direction_of("logloss"), direction_of("size")
        ('max', 'min', None)
    """
    words = set(re.split(r"[^a-z]+", metric.lower()))
    if words & _LESS_IS_BETTER:
        return "min"
    return "max" if words & _MORE_IS_BETTER else None


class Evaluation(Section):
    """Metrics, their intervals, and the slices they are shown for.

    Raises:
        pydantic.ValidationError: If a metric is unknown or a number is outside of its range.

    Example:
        >>> Evaluation(metrics=("auc", "ndcg"), k=(5, 10)).bootstrap
        1000
    """

    metrics: tuple[_Metric, ...] | None = pydantic.Field(default=None, min_length=1)
    """Which metrics. Left out: `rmse` for a regression; for a binary label `auc`, `logloss`,
    `accuracy` and `calibration_error`, and where there are groups `grouped_auc` and `ndcg`; for a
    loss inside groups `auc`, `grouped_auc` and `ndcg`."""

    @pydantic.field_validator("metrics", mode="before")
    @classmethod
    def _former_name(cls, value: Any) -> Any:
        """Takes "group_auc", as `grouped_auc` was called here before."""
        if not isinstance(value, list | tuple):
            return value
        return tuple("grouped_auc" if name == "group_auc" else name for name in value)

    k: tuple[pydantic.PositiveInt, ...] = pydantic.Field(default=(10,), min_length=1)
    """How many ranks of a group count in `ndcg`, `hit_rate` and `map`; each gives a metric."""

    threshold: float = 0.5
    """From which prediction on an example is called positive: accuracy, precision, recall."""

    clip: tuple[float, float] | None = None
    """Lowest and highest prediction that `rmse` sees, as (-1, 1) in the AFM paper."""

    bins: pydantic.PositiveInt = 15
    """Number of equally wide bins of the calibration error and the reliability curve."""

    bootstrap: pydantic.NonNegativeInt = 1000
    """Resamples behind the confidence intervals: of groups where there are groups, otherwise of
    examples. 0 leaves the intervals out."""

    confidence: Annotated[float, pydantic.Field(gt=0, lt=1)] = 0.95
    """Share of resamples inside an interval."""

    seed: pydantic.NonNegativeInt = 1
    """Decides the resamples."""

    slices: tuple[str, ...] = ()
    """Names of categorical features whose values are evaluated one by one."""

    user: str | None = None
    """The feature whose counts in the training split are user activity, a slice."""

    item: str | None = None
    """The feature whose counts in the training split are item popularity, a slice, and whose rates
    there are the baseline `popularity`."""

    @pydantic.field_validator("clip")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value and value[0] >= value[1]:
            raise ValueError(
                f"`clip` must be a lower and a higher number. Received: clip={list(value)}."
            )
        return value
