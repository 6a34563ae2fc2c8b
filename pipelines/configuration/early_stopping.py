"""Which epoch is best, and when training gives up."""

import re
from typing import Literal

import pydantic

from pipelines.configuration.section import Section

_LESS_IS_BETTER = {"loss", "logloss", "crossentropy", "rmse", "mse", "mae", "mape", "error"}
_MORE_IS_BETTER = {"auc", "accuracy", "precision", "recall", "ndcg", "mrr", "map", "hit"}


class EarlyStopping(Section):
    """The metric that decides which weights are best, and how long it may fail to get better.

    Raises:
        pydantic.ValidationError: If the mode is left out and the metric's name does not tell it.

    Example:
        >>> EarlyStopping(monitor="val_auc", patience=2).direction
        'max'
    """

    monitor: str = "val_loss"
    """A metric as `history.jsonl` names it: `val_` and its name in the model, or the name alone
    for its value in training."""

    mode: Literal["min", "max"] | None = None
    """Whether a low or a high value of `monitor` is good. Left out: what its name says."""

    patience: pydantic.PositiveInt | None = None
    """Epochs in a row without a better value after which training ends. Left out: it goes on."""

    min_delta: pydantic.NonNegativeFloat = 0.0
    """By how much a value must be better to count."""

    @pydantic.model_validator(mode="after")
    def _known_direction(self) -> "EarlyStopping":
        if self.mode is None and _told(self.monitor) is None:
            raise ValueError(
                "`mode` must be given for a metric whose name does not say whether less is "
                f"better. Received: monitor={self.monitor!r}. Add mode = 'min' or 'max'."
            )
        return self

    @property
    def direction(self) -> Literal["min", "max"]:
        """Whether a low ("min") or a high ("max") value is good."""
        return self.mode or _told(self.monitor) or "min"


def _told(monitor: str) -> Literal["min", "max"] | None:
    words = set(re.split(r"[^a-z]+", monitor.lower()))  # "click_ndcg@10": click, ndcg
    if words & _LESS_IS_BETTER:
        return "min"
    return "max" if words & _MORE_IS_BETTER else None
