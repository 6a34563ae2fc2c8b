"""The section `task`: the loss that training lowers."""

from typing import Literal, Self

import pydantic

from pipelines.configuration.broken import broken
from pipelines.configuration.section import Section


class Task(Section):
    """What the label is, and what a wrong prediction costs."""

    loss: Literal[
        "binary_crossentropy",
        "mean_squared_error",
        "clipped_squared_error",
        "pairwise_logistic",
        "listwise_softmax",
    ] = "binary_crossentropy"
    """`binary_crossentropy` of labels 0 and 1; squared errors of any number, clipped to [`low`,
    `high`] or not; `pairwise_logistic` and `listwise_softmax` inside the groups of `data.group`."""
    label_smoothing: float = pydantic.Field(default=0.0, ge=0, lt=1)
    """binary_crossentropy: pulls labels so far towards a half."""
    low: float | None = None
    """clipped_squared_error: the least label."""
    high: float | None = None
    """clipped_squared_error: the greatest label."""
    scale: float = pydantic.Field(default=1.0, gt=0)
    """clipped_squared_error: multiplies the loss."""

    @property
    def predicts(self) -> Literal["binary", "ranking", "regression"]:
        """A probability, an order inside groups, or a number; it decides how a model is judged."""
        if self.loss in ("pairwise_logistic", "listwise_softmax"):
            return "ranking"
        return "binary" if self.loss == "binary_crossentropy" else "regression"

    @pydantic.model_validator(mode="after")
    def _fits_its_loss(self) -> Self:
        clipped = self.loss == "clipped_squared_error"
        for key in ("low", "high"):
            if (getattr(self, key) is None) == clipped:
                rule = "be given with" if clipped else "be left out without"
                raise broken(key, f"{rule} loss = 'clipped_squared_error'")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise broken("low", "be below `high`", "Give the least and the greatest label.")
        if self.label_smoothing and self.loss != "binary_crossentropy":
            raise broken("label_smoothing", "be left out without loss = 'binary_crossentropy'")
        return self
